#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala {

namespace autograd {
struct Edge;
}

struct GradientTapeOptions {
  bool persistent = false;
  bool watch_accessed_variables = true;
};

/// What gradients of unconnected sources are: null tensors, or zeros.
enum class UnconnectedGradients { none, zero };

/// Records operations on Variables and watched tensors in this thread, from its making until its end, and
/// differentiates them in reverse (define by run). Tapes nest: the outer one sees the inner one's gradient() and so
/// gives second derivatives. https://www.tensorflow.org/api_docs/python/tf/GradientTape
///
/// A tape that is not persistent stops recording at its first gradient(); a second call is an Error. Gradients of
/// integer sources and of sources that the target does not depend on are null tensors.
class GradientTape {
 public:
  explicit GradientTape(GradientTapeOptions options = {});
  GradientTape(const GradientTape&) = delete;
  GradientTape& operator=(const GradientTape&) = delete;
  ~GradientTape();

  /// Makes `tensor` a source: what is computed from it from now on is recorded. Throws Error for an integer tensor.
  void watch(const Tensor& tensor);
  void watch(const Variable& variable);

  /// d sum(target) / d source for each source, or the sum weighted by `output_gradients` of target's shape.
  std::vector<Tensor> gradient(const Tensor& target, const std::vector<Variable>& sources,
                               const Tensor& output_gradients = {},
                               UnconnectedGradients unconnected = UnconnectedGradients::none);
  std::vector<Tensor> gradient(const Tensor& target, const std::vector<Tensor>& sources,
                               const Tensor& output_gradients = {},
                               UnconnectedGradients unconnected = UnconnectedGradients::none);
  Tensor gradient(const Tensor& target, const Variable& source, const Tensor& output_gradients = {},
                  UnconnectedGradients unconnected = UnconnectedGradients::none);
  Tensor gradient(const Tensor& target, const Tensor& source, const Tensor& output_gradients = {},
                  UnconnectedGradients unconnected = UnconnectedGradients::none);
  /// All derivatives: shape target.shape + source.shape.
  Tensor jacobian(const Tensor& target, const Tensor& source);
  Tensor jacobian(const Tensor& target, const Variable& source);

  /// Forgets what was recorded and watched so far.
  void reset();

 private:
  void stop();
  std::vector<Tensor> gradient_of(const Tensor& target, const std::vector<autograd::Edge>& sources,
                                  const Tensor& output_gradients);
  Tensor jacobian_of(const Tensor& target, const autograd::Edge& source, const Shape& source_shape);
  struct State;
  std::shared_ptr<State> state_;
};

/// While it lives, nothing is recorded in this thread.
class StopRecording {
 public:
  StopRecording();
  ~StopRecording();
  StopRecording(const StopRecording&) = delete;
  StopRecording& operator=(const StopRecording&) = delete;
};

/// A function with a gradient of one's own: `forward` is run unrecorded; `backward` gets the gradients of its outputs
/// and returns one per input (a null tensor: none). https://keras.io/api/ops/core/#custom_gradient
Tensors custom_gradient(const Tensors& inputs, const std::function<Tensors(const Tensors& inputs)>& forward,
                        const std::function<Tensors(const Tensors& output_gradients)>& backward);

}  // namespace nyala
