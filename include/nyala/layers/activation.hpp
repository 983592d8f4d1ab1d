#pragma once

#include <nyala/layer.hpp>

namespace nyala {

/// An activation function as a layer. https://keras.io/api/layers/core_layers/activation/
class Activation : public LayerOf<Activation> {
 public:
  explicit Activation(const ActivationRef& activation, BaseOptions options = {});
  static Activation from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Activation"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  ActivationFunction activation_;
};

struct ReLUOptions {
  std::optional<double> max_value = {};
  double negative_slope = 0.0, threshold = 0.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x above threshold (cut at max_value), else negative_slope * (x - threshold). Error for negative numbers.
/// https://keras.io/api/layers/activation_layers/relu/
class ReLU : public LayerOf<ReLU> {
 public:
  explicit ReLU(ReLUOptions options = {});
  static ReLU from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "ReLU"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  ReLUOptions options_;
};

struct LeakyReLUOptions {
  double negative_slope = 0.3;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x where x > 0, else negative_slope * x. https://keras.io/api/layers/activation_layers/leaky_relu/
class LeakyReLU : public LayerOf<LeakyReLU> {
 public:
  explicit LeakyReLU(LeakyReLUOptions options = {});
  static LeakyReLU from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "LeakyReLU"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  LeakyReLUOptions options_;
};

struct ELUOptions {
  double alpha = 1.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// x where x > 0, else alpha * (exp(x) - 1). https://keras.io/api/layers/activation_layers/elu/
class ELU : public LayerOf<ELU> {
 public:
  explicit ELU(ELUOptions options = {});
  static ELU from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "ELU"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  ELUOptions options_;
};

struct PReLUOptions {
  InitializerRef alpha_initializer = "zeros";
  RegularizerRef alpha_regularizer = {};
  ConstraintRef alpha_constraint = {};
  std::vector<int> shared_axes = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Leaky ReLU whose slope is learnt, one per feature; shared_axes (from 1) share theirs.
/// https://keras.io/api/layers/activation_layers/prelu/
class PReLU : public LayerOf<PReLU> {
 public:
  explicit PReLU(PReLUOptions options = {});
  static PReLU from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "PReLU"; }
  Config config() const override;

 private:
  PReLUOptions options_;
  Variable alpha_;
};

struct SoftmaxOptions {
  Axes axis = -1;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Softmax over axes; a mask given at the call leaves positions out.
/// https://keras.io/api/layers/activation_layers/softmax/
class Softmax : public LayerOf<Softmax> {
 public:
  explicit Softmax(SoftmaxOptions options = {});
  static Softmax from_config(const Config& config);

  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Softmax"; }
  KerasForm keras_form() const override { return {.others = "mask", .built_when_made = true}; }
  Config config() const override;

 private:
  SoftmaxOptions options_;
  bool axis_listed_ = false;      // a file may say [1] for 1, and keeps saying so
  bool masks_by_adding_ = false;  // files before Keras 3.10: where all is masked, all is equally likely, not 0
};

}  // namespace nyala
