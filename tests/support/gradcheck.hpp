#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala::testing {

using Function = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// Compares the tape's gradients of `function` with differences in float64 on the reference kernels, the output
/// weighted by random numbers: to 1e-6, relative to max(|difference|, 1e-3). Returns what differs, or an empty text.
/// The inputs must be float64 and far enough from kinks (4e-4).
std::string gradcheck(const Function& function, const std::vector<Tensor>& inputs, double tolerance = 1e-6);

/// The same for the gradients of the gradients, with respect to the inputs and to the weights.
std::string gradgradcheck(const Function& function, const std::vector<Tensor>& inputs, double tolerance = 1e-6);

/// float64 numbers in [low, high), the same in every run for the same `seed`, no two closer than the range over four
/// times their number.
Tensor scattered(const Shape& shape, double low = -1.0, double high = 1.0, unsigned seed = 1);

/// While it lives, the CPU computes with the reference kernels.
class ReferenceKernelsScope {
 public:
  ReferenceKernelsScope();
  ~ReferenceKernelsScope();
  ReferenceKernelsScope(const ReferenceKernelsScope&) = delete;
  ReferenceKernelsScope& operator=(const ReferenceKernelsScope&) = delete;

 private:
  bool was_reference_;
};

}  // namespace nyala::testing
