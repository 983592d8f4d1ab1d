#include <algorithm>
#include <string>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/shape.hpp>

#include "autograd/tape_state.hpp"
#include "autograd/variable_impl.hpp"
#include "autograd/variable_node.hpp"
#include "core/subnormals.hpp"

namespace nyala {

namespace {

/// The tapes that record in this thread; `paused` counts the StopRecordings that live.
struct Recording {
  int tapes = 0, variable_tapes = 0, paused = 0;
};
thread_local Recording current;

autograd::Edge edge_of(const Tensor& tensor) {
  if (!tensor.defined()) throw Error("GradientTape: a source tensor holds nothing");
  return autograd::tracked(tensor) ? autograd::Edge{tensor.impl()->node, tensor.impl()->output} : autograd::Edge{};
}

}  // namespace

namespace autograd {

bool recording() { return current.tapes > 0 && current.paused == 0; }

bool records(const Variable& variable) {
  if (!recording()) return false;
  const detail::VariableImpl& impl = *variable.impl();
  if (current.variable_tapes == 0 || !impl.trainable) return impl.watchers > 0;
  return is_floating(impl.value.dtype());
}

std::shared_ptr<Node> leaf_of(const Variable& variable) {
  detail::VariableImpl& impl = *variable.impl();
  std::call_once(impl.leaf_once, [&] { impl.leaf = std::make_shared<VariableNode>(impl.rows); });
  return impl.leaf;
}

}  // namespace autograd

GradientTape::GradientTape(GradientTapeOptions options) : state_(std::make_shared<State>()) {
  state_->persistent = options.persistent;
  state_->watches_variables = options.watch_accessed_variables;
  ++current.tapes;
  if (state_->watches_variables) ++current.variable_tapes;
}

GradientTape::~GradientTape() {
  stop();
  reset();
}

void GradientTape::stop() {
  if (!state_->active) return;
  state_->active = false;
  --current.tapes;
  if (state_->watches_variables) --current.variable_tapes;
}

void GradientTape::reset() {
  for (const auto& impl : state_->watched_tensors) impl->node = nullptr;
  for (const auto& variable : state_->watched_variables) --variable.impl()->watchers;
  state_->watched_tensors.clear();
  state_->watched_variables.clear();
  state_->used = false;
}

void GradientTape::watch(const Tensor& tensor) {
  detail::require_defined(tensor, "GradientTape::watch");
  if (!is_floating(tensor.dtype())) {
    throw Error(std::string("GradientTape::watch: only floating-point tensors have gradients, this one is ") +
                name_of(tensor.dtype()));
  }
  if (autograd::tracked(tensor)) return;
  tensor.impl()->node = std::make_shared<autograd::Node>("watched tensor", 1);
  tensor.impl()->output = 0;
  state_->watched_tensors.push_back(tensor.impl());
}

void GradientTape::watch(const Variable& variable) {
  if (!variable.defined()) throw Error("GradientTape::watch: this variable was never made");
  state_->watched_variables.push_back(variable);
  ++variable.impl()->watchers;
}

std::vector<Tensor> GradientTape::gradient_of(const Tensor& target, const std::vector<autograd::Edge>& sources,
                                              const Tensor& output_gradients) {
  const detail::FlushSubnormals flush;
  detail::require_defined(target, "GradientTape::gradient");
  if (!is_floating(target.dtype())) {
    throw Error(std::string("GradientTape::gradient: the target must be floating-point, it is ") +
                name_of(target.dtype()));
  }
  if (!state_->persistent) {
    if (state_->used) {
      throw Error(
          "GradientTape::gradient: a tape that is not persistent can be asked once; make it with {.persistent = true}");
    }
    state_->used = true;
    stop();
  }
  if (output_gradients.defined() && output_gradients.device() != target.device()) {
    throw Error("GradientTape::gradient: output_gradients is on \"" + output_gradients.device().name() +
                "\", the target on \"" + target.device().name() + "\"; move one with to()");
  }
  if (output_gradients.defined() && output_gradients.shape() != target.shape()) {
    throw Error("GradientTape::gradient: output_gradients has the shape " + output_gradients.shape().str() +
                ", the target " + target.shape().str());
  }
  const Tensor seed = output_gradients.defined() ? output_gradients : ones_like(target);
  return autograd::accumulate(target, seed, sources, !state_->persistent && current.tapes == 0);
}

std::vector<Tensor> GradientTape::gradient(const Tensor& target, const std::vector<Variable>& sources,
                                           const Tensor& output_gradients, UnconnectedGradients unconnected) {
  std::vector<autograd::Edge> edges;
  edges.reserve(sources.size());
  for (const Variable& source : sources) {
    if (!source.defined()) throw Error("GradientTape::gradient: a source variable was never made");
    edges.push_back({autograd::leaf_of(source), 0});
  }
  std::vector<Tensor> results = gradient_of(target, edges, output_gradients);
  if (unconnected == UnconnectedGradients::zero) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined()) results[i] = zeros_like(sources[i].value());
    }
  }
  return results;
}

std::vector<Tensor> GradientTape::gradient(const Tensor& target, const std::vector<Tensor>& sources,
                                           const Tensor& output_gradients, UnconnectedGradients unconnected) {
  std::vector<autograd::Edge> edges;
  edges.reserve(sources.size());
  for (const Tensor& source : sources) edges.push_back(edge_of(source));
  std::vector<Tensor> results = gradient_of(target, edges, output_gradients);
  if (unconnected == UnconnectedGradients::zero) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i].defined()) results[i] = zeros_like(sources[i]);
    }
  }
  return results;
}

Tensor GradientTape::gradient(const Tensor& target, const Variable& source, const Tensor& output_gradients,
                              UnconnectedGradients unconnected) {
  return gradient(target, std::vector<Variable>{source}, output_gradients, unconnected).front();
}

Tensor GradientTape::gradient(const Tensor& target, const Tensor& source, const Tensor& output_gradients,
                              UnconnectedGradients unconnected) {
  return gradient(target, std::vector<Tensor>{source}, output_gradients, unconnected).front();
}

Tensor GradientTape::jacobian_of(const Tensor& target, const autograd::Edge& source, const Shape& source_shape) {
  detail::require_defined(target, "GradientTape::jacobian");
  const bool persistent = state_->persistent;
  if (!persistent && state_->used) {
    throw Error(
        "GradientTape::jacobian: a tape that is not persistent can be asked once; make it with {.persistent = true}");
  }
  if (!persistent) stop();
  state_->used = true;
  const std::int64_t count = target.size();
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor seed = reshape(
        one_hot(tensor(std::vector<std::int64_t>{i}), static_cast<int>(count), -1, target.dtype()), target.shape());
    rows.push_back(autograd::accumulate(target, seed, {source}, false).front());
    if (!rows.back().defined()) return {};
  }
  Shape shape = target.shape();
  for (const std::int64_t size : source_shape) shape.push_back(size);
  return rows.empty() ? zeros(shape, target.dtype()) : reshape(stack(rows), shape);
}

Tensor GradientTape::jacobian(const Tensor& target, const Tensor& source) {
  return jacobian_of(target, edge_of(source), source.shape());
}

Tensor GradientTape::jacobian(const Tensor& target, const Variable& source) {
  return jacobian_of(target, {autograd::leaf_of(source), 0}, source.shape());
}

StopRecording::StopRecording() { ++current.paused; }
StopRecording::~StopRecording() { --current.paused; }

Tensors custom_gradient(const Tensors& inputs, const std::function<Tensors(const Tensors&)>& forward,
                        const std::function<Tensors(const Tensors&)>& backward) {
  std::vector<Tensor> outputs;
  {
    StopRecording stop;
    for (const Tensor& output : forward(inputs)) outputs.push_back(detail::alias(output));
  }
  if (!autograd::recording(inputs.vector())) return outputs;
  const std::size_t count = inputs.size();
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.defined() ? input.shape() : Shape());
  std::vector<Tensor> zero_like;
  for (const Tensor& output : outputs) zero_like.push_back(detail::alias(output));
  autograd::attach_all(outputs, "custom_gradient", inputs.vector(), [=](autograd::Backward& b) {
    std::vector<Tensor> gradients;
    for (std::size_t i = 0; i < zero_like.size(); ++i) {
      gradients.push_back(b.grad(i).defined() ? b.grad(i) : zeros_like(zero_like[i]));
    }
    const Tensors results = backward(gradients);
    if (results.size() != count) {
      throw Error("custom_gradient: backward must return one gradient per input (" + std::to_string(count) +
                  "), it returned " + std::to_string(results.size()));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (results[i].defined() && results[i].shape() != shapes[i]) {
        throw Error("custom_gradient: the gradient of input " + std::to_string(i) + " has the shape " +
                    results[i].shape().str() + ", the input " + shapes[i].str());
      }
      b.set(i, results[i]);
    }
  });
  return outputs;
}

}  // namespace nyala
