#pragma once

#include <nyala/layer.hpp>
#include <nyala/layers/lora.hpp>
#include <nyala/ops/nn.hpp>

namespace nyala {

/// Options of Conv1D, Conv2D and Conv3D.
template <std::size_t N>
struct ConvOptions {
  Dims<N> strides = 1;
  std::string padding = "valid", data_format = {};
  Dims<N> dilation_rate = 1;
  int groups = 1;
  ActivationRef activation = {};
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  /// Asks for an adapter when the layer is built (enable_lora).
  std::optional<int> lora_rank = {}, lora_alpha = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Cross-correlation over N spatial axes: kernel (k…, in / groups, filters). padding "valid", "same" or (1-D) "causal".
/// Error for strides and dilation both above 1, and for channels that do not divide by groups.
/// https://keras.io/api/layers/convolution_layers/
template <std::size_t N>
class Conv : public LayerOf<Conv<N>>, public WithLora {
 public:
  Conv(int filters, Dims<N> kernel_size, ConvOptions<N> options = {});
  static Conv from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  bool ends_in_product() const override { return activation_.fused().has_value(); }
  Config config() const override;
  /// An adapter of that rank beside the kernel, which no longer learns itself; files get the sum. Before compile. Error
  /// if the layer is not built yet. Keras' Layer.enable_lora.
  void enable_lora(int rank, std::optional<int> lora_alpha = {});

 private:
  void make_lora();

  int filters_;
  Dims<N> kernel_size_;
  ConvOptions<N> options_;
  ActivationFunction activation_;
  ConvArguments arguments_;  // of the operation
};
using Conv1D = Conv<1>;
using Conv2D = Conv<2>;
using Conv3D = Conv<3>;

/// Options of Conv1DTranspose, Conv2DTranspose and Conv3DTranspose.
template <std::size_t N>
struct ConvTransposeOptions {
  Dims<N> strides = 1;
  std::string padding = "valid";
  Dims<N> output_padding = {};
  std::string data_format = {};
  Dims<N> dilation_rate = 1;
  ActivationRef activation = {};
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The gradient of a convolution as a layer ("deconvolution"): kernel (k…, filters, in).
/// https://keras.io/api/layers/convolution_layers/convolution2d_transpose/
template <std::size_t N>
class ConvTranspose : public LayerOf<ConvTranspose<N>> {
 public:
  ConvTranspose(int filters, Dims<N> kernel_size, ConvTransposeOptions<N> options = {});
  static ConvTranspose from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  int filters_;
  Dims<N> kernel_size_;
  ConvTransposeOptions<N> options_;
  ActivationFunction activation_;
  ConvArguments arguments_;  // of the operation
  Variable kernel_, bias_;
};
using Conv1DTranspose = ConvTranspose<1>;
using Conv2DTranspose = ConvTranspose<2>;
using Conv3DTranspose = ConvTranspose<3>;

}  // namespace nyala
