#pragma once

#include <cstdint>
#include <memory>

#include "backend/common/dispatch.hpp"
#include "backend/kernels.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {

inline std::int64_t gates_of(RnnCell cell) { return cell == RnnCell::simple ? 1 : cell == RnnCell::lstm ? 4 : 3; }

/// Sizes of a sequence through a cell, and the order of its steps.
struct RnnSizes {
  std::int64_t batch, time, in, units, gates;
  bool backwards;

  RnnSizes(const RnnDescription& rnn, const Tensor& x, std::int64_t of_units)
      : batch(x.shape()[0]),
        time(x.shape()[1]),
        in(x.shape()[2]),
        units(of_units),
        gates(gates_of(rnn.cell)),
        backwards(rnn.go_backwards) {}

  /// Elements of one step's values of one gate, and of all steps'.
  constexpr std::int64_t step() const { return batch * units; }
  constexpr std::int64_t plane() const { return time * batch * units; }
  /// The time in x of a step of processing.
  constexpr std::int64_t time_of(std::int64_t step) const { return backwards ? time - 1 - step : step; }
};

/// Keras' defaults of the activations that have a parameter.
inline UnaryParameters default_parameters(Unary op) {
  UnaryParameters parameters;
  if (op == Unary::leaky_relu) parameters.a = 0.2;
  if (op == Unary::elu) parameters.a = 1.0;
  return parameters;
}

/// Elements of a workspace as another floating type: half precision keeps its workspace in float32.
inline Tensor as_float32(const Tensor& workspace) {
  if (!workspace.defined() || !is_half(workspace.dtype())) return workspace;
  auto impl = std::make_shared<detail::TensorImpl>(*workspace.impl());
  impl->dtype = DType::float32;
  impl->shape = Shape{workspace.size() / 2};
  return Tensor(std::move(impl));
}

}  // namespace nyala::backend
