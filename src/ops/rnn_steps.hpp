#pragma once

#include <vector>

#include <nyala/ops/rnn.hpp>

#include "ops/named_activation.hpp"

namespace nyala::ops {

/// What goes into a recurrent operation besides its options, in the order in which its gradient numbers its inputs.
struct RnnOperands {
  Tensor x, h0, c0, kernel, recurrent_kernel, bias, mask;  // h0, c0, bias, mask may be null

  std::vector<Tensor> differentiable() const { return {x, h0, c0, kernel, recurrent_kernel, bias}; }
};

struct RnnOptions {
  backend::RnnCell cell;
  const NamedActivation* activation;
  const NamedActivation* recurrent_activation;
  bool go_backwards, zero_output_for_mask;
};

/// The whole sequence by elementary operations, step after step: slow, but differentiable to any order and open to
/// every activation.
RnnResult rnn_by_steps(const RnnOperands& operands, const RnnOptions& options);

}  // namespace nyala::ops
