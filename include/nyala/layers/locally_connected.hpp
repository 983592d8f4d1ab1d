#pragma once

#include <nyala/layer.hpp>

namespace nyala {

/// Options of LocallyConnected1D and LocallyConnected2D.
template <std::size_t N>
struct LocallyConnectedOptions {
  Dims<N> strides = 1;
  std::string padding = "valid", data_format = {};
  ActivationRef activation = {};
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  int implementation = 1;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Keras 2's convolution whose weights are not shared between places: each output place has a kernel and a bias of its
/// own. `implementation` tells the kernel's shape: 1 (places, window · channels, filters), 2 one weight from every
/// input to every output number, of which those outside of windows do not count, 3 the vector of those that do. The
/// spatial sizes must be known; padding "same" needs implementation 2 or 3. Keras 3 has no such layer.
template <std::size_t N>
class LocallyConnected : public LayerOf<LocallyConnected<N>> {
 public:
  LocallyConnected(int filters, Dims<N> kernel_size, LocallyConnectedOptions<N> options = {});
  static LocallyConnected from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  void find_connections(const Shape& input, const Shape& output);

  int filters_;
  Dims<N> kernel_size_;
  LocallyConnectedOptions<N> options_;
  ActivationFunction activation_;
  Variable kernel_, bias_;
  /// Implementation 1: what each place's window holds. 2: 1 where a window reaches. 3: where in that matrix.
  Tensor connections_;
  std::int64_t connection_count_ = 0;
};
using LocallyConnected1D = LocallyConnected<1>;
using LocallyConnected2D = LocallyConnected<2>;

}  // namespace nyala
