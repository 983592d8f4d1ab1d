#pragma once

#include <nyala/layer.hpp>
#include <nyala/layers/lora.hpp>

namespace nyala {

struct DenseOptions {
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

/// activation(x · kernel + bias) over the last axis: (…, in) -> (…, units). Error for units < 1 or an unknown last
/// axis. https://keras.io/api/layers/core_layers/dense/
class Dense : public LayerOf<Dense>, public WithLora {
 public:
  explicit Dense(int units, DenseOptions options = {});
  static Dense from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Dense"; }
  bool ends_in_product() const override { return activation_.fused().has_value(); }
  Config config() const override;
  /// An adapter of that rank beside the kernel, which no longer learns itself; files get the sum. Before compile. Error
  /// if the layer is not built yet. Keras' Layer.enable_lora.
  void enable_lora(int rank, std::optional<int> lora_alpha = {});

 private:
  void make_lora();

  int units_;
  DenseOptions options_;
  ActivationFunction activation_;
};

}  // namespace nyala
