#include <nyala/layers/pipeline.hpp>

#include <nyala/error.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

Pipeline::Pipeline(std::vector<LayerRef> layers, BaseOptions options) : LayerOf(options) {
  for (const LayerRef& layer : layers) {
    if (!layer.defined()) throw Error("Pipeline: layers must not be null");
  }
  layers_ = track(layers, "layers");
}

Pipeline Pipeline::from_config(const Config& config) {
  std::vector<LayerRef> layers;
  for (const Config& layer : config.at("layers").items()) layers.push_back(layer_from_config(layer));
  return Pipeline(std::move(layers), with_base(BaseOptions{}, config));
}

Tensors Pipeline::call_with(const Tensors& inputs, const CallContext& context) {
  Tensors values = inputs;
  for (const LayerRef& layer : layers_) values = layer->outputs(values, {.training = context.training});
  return values;
}

std::vector<Shape> Pipeline::compute_output_shapes(const std::vector<Shape>& inputs) const {
  std::vector<Shape> shapes = inputs;
  for (const LayerRef& layer : layers_) shapes = layer->compute_output_shapes(shapes);
  return shapes;
}

DType Pipeline::compute_output_dtype(const std::vector<DType>& inputs) const {
  std::vector<DType> dtypes = inputs;
  for (const LayerRef& layer : layers_) dtypes = {layer->compute_output_dtype(dtypes)};
  return dtypes.empty() ? compute_dtype() : dtypes.front();
}

Config Pipeline::config() const {
  std::vector<Config> layers;
  for (const LayerRef& layer : layers_) layers.push_back(to_config(layer));
  return Config::object({{"layers", Config::array(layers)}, {"name", name()}});
}

}  // namespace nyala
