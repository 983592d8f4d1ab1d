#include <nyala/layers/input_layer.hpp>

#include <nyala/error.hpp>

#include "model/graph.hpp"
#include "model/layer_state.hpp"

namespace nyala {

InputLayer::InputLayer(const Shape& shape, InputLayerOptions options)
    : Layer({}, true, options.dtype, options.name), dtype_(options.dtype.compute_dtype()), optional_(options.optional) {
  if (options.batch_size && *options.batch_size < 0) {
    throw Error("Input: batch_size must not be negative, got " + std::to_string(*options.batch_size));
  }
  if (!options.dtype.given()) dtype_ = floatx();
  batch_shape_.push_back(options.batch_size ? *options.batch_size : None);
  for (const std::int64_t size : shape) {
    if (size < 0 && size != None) {
      throw Error("Input: a size must not be negative (None: not known), got " + std::to_string(size));
    }
    batch_shape_.push_back(size);
  }
  state_->is_input = true;
}

InputLayer InputLayer::from_config(const Config& config) {
  const Config& full = config.contains("batch_shape") ? config.at("batch_shape") : config.at("batch_input_shape");
  Shape shape = full.as_shape();
  InputLayerOptions options{.optional = config.get("optional", false), .name = config.get("name", "")};
  const bool scalar = shape.empty();
  if (scalar) shape.push_back(None);
  if (shape[0] != None) options.batch_size = static_cast<int>(shape[0]);
  shape.erase(0);
  const Config& dtype = config.get("dtype");
  if (dtype.is_string())
    options.dtype = DTypePolicy(dtype_from_name(dtype.as_string()));
  else if (dtype.is_object())
    options.dtype = DTypePolicy(dtype.at("config").at("name").as_string());
  InputLayer layer(shape, options);
  if (scalar) layer.batch_shape_ = {};
  return layer;
}

Tensor InputLayer::forward(const Tensor& x, bool) { return x; }
Shape InputLayer::compute_output_shape(const Shape&) const { return batch_shape_; }
DType InputLayer::compute_output_dtype(const std::vector<DType>&) const { return dtype_; }

Config InputLayer::config() const {
  Config config = Config::object();
  config["batch_shape"] = batch_shape_;
  config["dtype"] = name_of(dtype_);
  config["sparse"] = false;
  config["ragged"] = false;
  config["name"] = name();
  config["optional"] = optional_;
  return config;
}

KerasTensor detail::start_of(const LayerRef& layer) {
  const auto& input = static_cast<const InputLayer&>(*layer);
  auto node = std::make_shared<GraphNode>();
  node->layer = layer;
  node->shapes = {input.batch_shape()};
  node->dtypes = {input.dtype()};
  layer->name();
  state_of(*layer).built = true;
  return KerasTensor(node, 0);
}

KerasTensor Input(const Shape& shape, const InputOptions& options) {
  return detail::start_of(LayerRef(InputLayer(
      shape,
      {.batch_size = options.batch_size, .optional = options.optional, .dtype = options.dtype, .name = options.name})));
}

}  // namespace nyala
