#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/input_layer.hpp>
#include <nyala/model.hpp>

#include "model/layer_state.hpp"
#include "model/model_state.hpp"

namespace nyala {

namespace detail {

namespace {

KerasTensor start(ModelState& state, const Shape& batch_shape, DType dtype, const std::string& name) {
  Shape shape = batch_shape;
  InputOptions options{.dtype = dtype, .name = name};
  if (!shape.empty() && shape[0] != None) options.batch_size = static_cast<int>(shape[0]);
  if (!shape.empty()) shape.erase(0);
  KerasTensor input = Input(shape, options);
  state.inputs = {input};
  return input;
}

void extend(ModelState& state, const LayerRef& layer) {
  std::vector<KerasTensor> outputs = connect(layer, state.outputs);
  state.outputs = std::move(outputs);
  state.output_count = state.outputs.size();
}

}  // namespace

void build_sequence(ModelState& state, const Shape& input, DType dtype) {
  state.outputs = {start(state, input, dtype, "")};
  for (const LayerRef& layer : state.sequence) extend(state, layer);
}

}  // namespace detail

Sequential::Sequential(std::initializer_list<LayerRef> layers, ModelOptions options)
    : Sequential(std::vector<LayerRef>(layers), std::move(options)) {}

Sequential::Sequential(const std::vector<LayerRef>& layers, ModelOptions options) : Model(AsSequential{}) {
  state_->name = options.name;
  state_->name_given = !options.name.empty();
  name();
  for (const LayerRef& layer : layers) add(layer);
  state_->trainable = options.trainable;
}

void Sequential::add(LayerRef layer) {
  if (!layer.defined()) throw Error(label() + ": add was given no layer");
  detail::ModelState& state = *model_state();
  if (detail::state_of(*layer).is_input) {
    if (!state.sequence.empty() || state.input_layer.defined()) {
      throw Error(label() + ": an Input can only stand at the beginning");
    }
    const auto& input = static_cast<const InputLayer&>(*layer);
    state.input_layer = layer;
    state.outputs = {detail::start(state, input.batch_shape(), input.dtype(), input.name())};
    state_->build_shapes = {input.batch_shape()};
    state_->built = true;
    return;
  }
  if (state.sequence_names.count(layer->name()) != 0) {
    const bool twice = std::any_of(state.sequence.begin(), state.sequence.end(),
                                   [&](const LayerRef& other) { return other.is(layer); });
    if (twice)
      throw Error(label() + ": the layer \"" + layer->name() + "\" is added twice; use a graph to share a layer");
    throw Error(label() + ": two layers have the name \"" + layer->name() + "\"; names must differ within a model");
  }
  if (!state.outputs.empty()) detail::extend(state, layer);
  state.sequence.push_back(layer);
  state.slice_rows = -1;
  state.planned = false;
  state.sequence_names.insert(layer->name());
  track(layer);
}

void Sequential::pop() {
  detail::ModelState& state = *model_state();
  if (state.sequence.empty()) throw Error(label() + ": there is no layer to pop");
  state.sequence_names.erase(state.sequence.back()->name());
  state.sequence.pop_back();
  state.slice_rows = -1;
  state.planned = false;
  state_->children.pop_back();
  if (!state.outputs.empty()) {
    state.outputs = state.inputs;
    for (const LayerRef& layer : state.sequence) detail::extend(state, layer);
  }
}

}  // namespace nyala
