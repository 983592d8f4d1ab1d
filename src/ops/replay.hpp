#pragma once

#include <functional>
#include <vector>

#include <nyala/tensor.hpp>

#include "autograd/node.hpp"

namespace nyala::ops {

/// Sets the gradients of a coarse operation by recorded operations, so that they can be differentiated in turn:
/// `forward` computes its outputs from its inputs (null ones included) once more, out of differentiable operations. For
/// second derivatives; first ones use the operation's backward kernel.
void differentiate_again(autograd::Backward& g, const std::vector<Tensor>& inputs,
                         const std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>& forward);

}  // namespace nyala::ops
