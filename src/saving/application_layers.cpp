#include "saving/application_layers.hpp"

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layer.hpp>

namespace nyala::saving {
namespace {

/// x * gamma, one factor per channel. Touvron et al. 2021.
class LayerScale : public LayerOf<LayerScale> {
 public:
  LayerScale(double init_values, int projection_dim, const BaseOptions& options)
      : LayerOf(options), init_values_(init_values), projection_dim_(projection_dim) {
    if (projection_dim < 1)
      throw Error("LayerScale: projection_dim must be positive, got " + std::to_string(projection_dim));
  }
  static LayerScale from_config(const Config& config) {
    return LayerScale(config.at("init_values").as_double(), config.at("projection_dim").as_int(),
                      with_base(BaseOptions{}, config));
  }

  void build(const Shape&) override { gamma_ = add_weight("variable", {projection_dim_}, Constant(init_values_)); }
  Tensor forward(const Tensor& x, bool) override { return x * gamma_; }
  Shape compute_output_shape(const Shape& input) const override { return input; }
  std::string class_name() const override { return "LayerScale"; }
  Config config() const override {
    Config config = base_config();
    config["init_values"] = init_values_;
    config["projection_dim"] = projection_dim_;
    return config;
  }

 private:
  double init_values_;
  int projection_dim_;
  Variable gamma_;
};

/// x[0] + x[1] * scale.
class CustomScaleLayer : public LayerOf<CustomScaleLayer> {
 public:
  CustomScaleLayer(double scale, const BaseOptions& options) : LayerOf(options), scale_(scale) {}
  static CustomScaleLayer from_config(const Config& config) {
    return CustomScaleLayer(config.at("scale").as_double(), with_base(BaseOptions{}, config));
  }

  Tensors call(const Tensors& x, bool) override {
    if (x.size() != 2) throw Error(label() + ": two inputs are needed, got " + std::to_string(x.size()));
    return x[0] + x[1] * scale_;
  }
  std::string class_name() const override { return "CustomScaleLayer"; }
  Config config() const override {
    Config config = base_config();
    config["scale"] = scale_;
    return config;
  }

 private:
  double scale_;
};

}  // namespace

LayerRef application_layer(const std::string& class_name, const Config& config) {
  if (class_name == "LayerScale") return LayerRef(LayerScale::from_config(config));
  if (class_name == "CustomScaleLayer") return LayerRef(CustomScaleLayer::from_config(config));
  return {};
}

const char* application_module(const std::string& class_name) {
  if (class_name == "LayerScale") return "keras.src.applications.convnext";
  if (class_name == "CustomScaleLayer") return "keras.src.applications.inception_resnet_v2";
  return nullptr;
}

}  // namespace nyala::saving
