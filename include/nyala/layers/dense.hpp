#pragma once

#include <nyala/layer.hpp>

namespace nyala {

struct DenseOptions {
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

/// activation(x · kernel + bias) over the last axis: (…, in) -> (…, units). Error for units < 1 or an unknown last
/// axis. https://keras.io/api/layers/core_layers/dense/
class Dense : public LayerOf<Dense> {
 public:
  explicit Dense(int units, DenseOptions options = {});
  static Dense from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Dense"; }
  Config config() const override;

 private:
  int units_;
  DenseOptions options_;
  ActivationFunction activation_;
  Variable kernel_, bias_;
};

}  // namespace nyala
