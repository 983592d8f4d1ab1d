#pragma once

#include <memory>
#include <vector>

#include <nyala/autograd.hpp>

#include "autograd/node.hpp"

namespace nyala {

struct GradientTape::State {
  bool persistent = false;
  bool watches_variables = true;
  bool active = true;  // still counted among the recording tapes of its thread
  bool used = false;
  std::vector<std::shared_ptr<detail::TensorImpl>> watched_tensors;
  std::vector<Variable> watched_variables;
};

namespace autograd {

/// Whether reading this variable now is recorded.
bool records(const Variable& variable);
/// The source node of a variable, made when first asked for.
std::shared_ptr<Node> leaf_of(const Variable& variable);

/// Reverse accumulation from `target`, seeded with `seed`, to the sources (null edges give null tensors). With
/// `let_go`, what each operation kept is freed as soon as its gradient is done.
std::vector<Tensor> accumulate(const Tensor& target, const Tensor& seed, const std::vector<Edge>& sources, bool let_go);

}  // namespace autograd

}  // namespace nyala
