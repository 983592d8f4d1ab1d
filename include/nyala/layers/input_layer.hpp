#pragma once

#include <nyala/layer.hpp>

namespace nyala {

struct InputLayerOptions {
  std::optional<int> batch_size = {};
  bool optional = false;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The entry of a graph; made by Input(). https://keras.io/api/layers/core_layers/input/
class InputLayer : public Layer {
 public:
  /// shape without the batch axis
  explicit InputLayer(const Shape& shape, InputLayerOptions options = {});
  static InputLayer from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "InputLayer"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

  /// With the batch axis.
  const Shape& batch_shape() const { return batch_shape_; }
  DType dtype() const { return dtype_; }
  bool optional() const { return optional_; }

 private:
  Shape batch_shape_;
  DType dtype_;
  bool optional_;
};

}  // namespace nyala
