#pragma once

#include <nyala/layer.hpp>
#include <nyala/ops/nn.hpp>

namespace nyala {

/// Options of DepthwiseConv1D and DepthwiseConv2D.
template <std::size_t N>
struct DepthwiseConvOptions {
  Dims<N> strides = 1;
  std::string padding = "valid";
  int depth_multiplier = 1;
  std::string data_format = {};
  Dims<N> dilation_rate = 1;
  ActivationRef activation = {};
  bool use_bias = true;
  InitializerRef depthwise_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef depthwise_regularizer = {}, bias_regularizer = {};
  ConstraintRef depthwise_constraint = {}, bias_constraint = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Each channel convolved by itself with depth_multiplier kernels: kernel (k…, in, depth_multiplier).
/// https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/
template <std::size_t N>
class DepthwiseConv : public LayerOf<DepthwiseConv<N>> {
 public:
  explicit DepthwiseConv(Dims<N> kernel_size, DepthwiseConvOptions<N> options = {});
  static DepthwiseConv from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  bool ends_in_product() const override { return activation_.fused().has_value(); }
  Config config() const override;

 private:
  Dims<N> kernel_size_;
  DepthwiseConvOptions<N> options_;
  ActivationFunction activation_;
  ConvArguments arguments_;  // of the operation
  Variable kernel_, bias_;
};
using DepthwiseConv1D = DepthwiseConv<1>;
using DepthwiseConv2D = DepthwiseConv<2>;

/// Options of SeparableConv1D and SeparableConv2D.
template <std::size_t N>
struct SeparableConvOptions {
  Dims<N> strides = 1;
  std::string padding = "valid", data_format = {};
  Dims<N> dilation_rate = 1;
  int depth_multiplier = 1;
  ActivationRef activation = {};
  bool use_bias = true;
  InitializerRef depthwise_initializer = "glorot_uniform", pointwise_initializer = "glorot_uniform",
                 bias_initializer = "zeros";
  RegularizerRef depthwise_regularizer = {}, pointwise_regularizer = {}, bias_regularizer = {};
  ConstraintRef depthwise_constraint = {}, pointwise_constraint = {}, bias_constraint = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// A depthwise convolution, then one of size 1 that mixes the channels.
/// https://keras.io/api/layers/convolution_layers/separable_convolution2d/
template <std::size_t N>
class SeparableConv : public LayerOf<SeparableConv<N>> {
 public:
  SeparableConv(int filters, Dims<N> kernel_size, SeparableConvOptions<N> options = {});
  static SeparableConv from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  bool ends_in_product() const override { return activation_.fused().has_value(); }
  Config config() const override;

 private:
  int filters_;
  Dims<N> kernel_size_;
  SeparableConvOptions<N> options_;
  ActivationFunction activation_;
  ConvArguments arguments_;  // of the operation
  Variable depthwise_kernel_, pointwise_kernel_, bias_;
};
using SeparableConv1D = SeparableConv<1>;
using SeparableConv2D = SeparableConv<2>;

}  // namespace nyala
