#pragma once

#include <string>
#include <vector>

#include "blas/problem.hpp"
#include "runtime/engine.hpp"

namespace softgpu {

/// Empty, or which rule of the documentation the epilogue breaks.
std::string broken_rule_of_epilogue(const Problem& problem);
/// Whether the library has none such, which is no broken rule: in double precision, of which no table of the
/// documentation tells, and gradients of activations over a single product (as nvmath-python, NVIDIA's own, has it).
bool epilogue_missing(const Problem& problem);
/// The memory that it reads and writes beside the matrices.
std::vector<Use> uses_of_epilogue(const Problem& problem);
/// What becomes of the sums (n, m) of one product before D is stored; `a` (k, m) is what was multiplied.
void finish(const Problem& problem, std::vector<float>& sums, const std::vector<float>& a);
void finish(const Problem& problem, std::vector<double>& sums, const std::vector<double>& a);

}  // namespace softgpu
