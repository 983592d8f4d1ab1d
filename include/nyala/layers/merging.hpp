#pragma once

#include <nyala/layer.hpp>

namespace nyala {

/// The sum of the inputs, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/add/
class Add : public LayerOf<Add> {
 public:
  explicit Add(BaseOptions options = {});
  static Add from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Add"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

/// The first input minus the second, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/subtract/
class Subtract : public LayerOf<Subtract> {
 public:
  explicit Subtract(BaseOptions options = {});
  static Subtract from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Subtract"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

/// The product of the inputs, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/multiply/
class Multiply : public LayerOf<Multiply> {
 public:
  explicit Multiply(BaseOptions options = {});
  static Multiply from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Multiply"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

/// The mean of the inputs, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/average/
class Average : public LayerOf<Average> {
 public:
  explicit Average(BaseOptions options = {});
  static Average from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Average"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

/// The greatest of the inputs, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/maximum/
class Maximum : public LayerOf<Maximum> {
 public:
  explicit Maximum(BaseOptions options = {});
  static Maximum from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Maximum"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

/// The least of the inputs, elementwise; shapes broadcast. Error without any.
/// https://keras.io/api/layers/merging_layers/minimum/
class Minimum : public LayerOf<Minimum> {
 public:
  explicit Minimum(BaseOptions options = {});
  static Minimum from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Minimum"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
};

struct ConcatenateOptions {
  int axis = -1;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The inputs, one after the other along an axis. https://keras.io/api/layers/merging_layers/concatenate/
class Concatenate : public LayerOf<Concatenate> {
 public:
  explicit Concatenate(ConcatenateOptions options = {});
  static Concatenate from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Concatenate"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
  Config config() const override;

 private:
  int axis_;
  int axis_of(int rank) const;
};

struct DotOptions {
  bool normalize = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Sums of products of two inputs over an axis of each. axes: one number for both, or one each (with the batch axis 0).
/// https://keras.io/api/layers/merging_layers/dot/
class Dot : public LayerOf<Dot> {
 public:
  explicit Dot(const std::vector<int>& axes, DotOptions options = {});
  static Dot from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::string class_name() const override { return "Dot"; }
  KerasForm keras_form() const override { return {.always_listed = true}; }
  Config config() const override;

 private:
  std::vector<int> axes_;
  bool normalize_;
  std::pair<int, int> axes_of(int rank_a, int rank_b) const;
};

}  // namespace nyala
