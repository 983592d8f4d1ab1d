#include <nyala/model.hpp>

#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/input_layer.hpp>

#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/suggest.hpp"
#include "saving/layer_config.hpp"

namespace nyala {

using detail::ModelKind;
using detail::ModelState;

Model::Model() : model_(std::make_shared<ModelState>()) {
  state_->is_model = true;
  state_->custom_backward = detail::CustomBackward::no;
}

Model::Model(AsSequential) : Model() { model_->kind = ModelKind::sequential; }

Model::Model(std::shared_ptr<Model> subclass) : Layer(*subclass), model_(subclass->model_) {
  delegate_ = std::move(subclass);
}

Model::Model(const KerasTensors& inputs, const KerasTensors& outputs, ModelOptions options) : Model() {
  state_->name = options.name;
  state_->name_given = !options.name.empty();
  model_->kind = ModelKind::graph;
  model_->inputs = inputs.vector();
  model_->outputs = outputs.vector();
  model_->plan = detail::Plan(model_->inputs, model_->outputs);
  model_->output_count = model_->outputs.size();
  for (const KerasTensor& input : model_->inputs) {
    const auto same = [&](const KerasTensor& other) { return other.is(input); };
    if (std::count_if(model_->inputs.begin(), model_->inputs.end(), same) > 1) {
      throw Error("Model: the input \"" + input.node()->layer->name() + "\" is given twice");
    }
  }
  for (const LayerRef& layer : model_->plan.layers()) track(layer);
  state_->built = true;
  for (const KerasTensor& input : model_->inputs) state_->build_shapes.push_back(input.shape());
  name();
  state_->trainable = options.trainable;
}

KerasTensor Model::operator()(const KerasTensor& x) const { return (*this)(std::vector<KerasTensor>{x}); }

KerasTensor Model::operator()(const std::vector<KerasTensor>& inputs) const {
  // One layer however often the model is called: its calls share it.
  std::shared_ptr<Layer> layer = model_->as_layer.lock();
  if (layer == nullptr) model_->as_layer = layer = std::make_shared<Model>(*this);
  return LayerRef(layer)(inputs);
}

std::string Model::class_name() const {
  if (delegate_ != nullptr) return delegate_->class_name();
  switch (model_->kind) {
    case ModelKind::graph: return "Functional";
    case ModelKind::sequential: return "Sequential";
    case ModelKind::subclass: break;
  }
  return Layer::class_name();
}

void Model::build_all(const std::vector<Shape>& inputs) {
  if (delegate_ != nullptr) return delegate_->build_all(inputs);
  if (model_->kind == ModelKind::subclass) return Layer::build_all(inputs);
  if (model_->kind == ModelKind::sequential && model_->inputs.empty()) {
    if (inputs.size() != 1)
      throw Error(label() + ": a Sequential takes one input, got " + std::to_string(inputs.size()));
    if (model_->sequence.empty()) throw Error(label() + ": there are no layers in it; add(layer) adds one");
    Shape shape = inputs.front();
    if (!shape.empty()) shape[0] = None;
    detail::build_sequence(*model_, shape, floatx());
  }
}

namespace {

/// The plan of a sequential model, made when it is first called after a change.
const detail::Plan& sequence_plan(detail::ModelState& state, detail::LayerState& layer) {
  if (!state.planned.load(std::memory_order_acquire)) {
    const std::lock_guard lock(layer.building);
    if (!state.planned.load(std::memory_order_relaxed)) {
      state.plan = detail::Plan(state.inputs, state.outputs);
      state.planned.store(true, std::memory_order_release);
    }
  }
  return state.plan;
}

/// Keras' leniency: a trailing axis of size 1 may be missing or surplus; the dtype is that of the Input.
Tensor fit_to_input(const Tensor& given, const KerasTensor& expected, const char* kind, const std::string& name) {
  if (!given.defined()) return given;
  Tensor x = given;
  const Shape& wanted = expected.shape();
  const auto refuse = [&] {
    const bool one_sample = given.rank() + 1 == wanted.rank() && given.shape().back() == wanted.back();
    throw Error(std::string(kind) + " \"" + name + "\": the input \"" + expected.node()->layer->name() +
                "\" takes the shape " + wanted.str() + ", got " + given.shape().str() +
                (one_sample ? " (one sample needs a batch axis too: expand_dims(x, 0))" : ""));
  };
  if (x.rank() == wanted.rank() + 1 && x.shape().back() == 1)
    x = squeeze(x, -1);
  else if (x.rank() + 1 == wanted.rank() && wanted.back() == 1)
    x = expand_dims(x, -1);
  if (x.rank() != wanted.rank()) refuse();
  for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
    if (wanted[axis] != None && axis > 0 && wanted[axis] != x.shape()[axis]) refuse();
  }
  if (x.dtype() != expected.dtype() && x.dtype() != DType::string) x = cast(x, expected.dtype());
  return x.mask().is(given.mask()) ? x : x.with_mask(given.mask());
}

}  // namespace

Tensors Model::call_with(const Tensors& inputs, const CallContext& context) {
  if (delegate_ != nullptr) return delegate_->call_with(inputs, context);
  switch (model_->kind) {
    case ModelKind::subclass: return Layer::call_with(inputs, context);
    case ModelKind::sequential: {
      const Tensor x = inputs.size() == 1 && !model_->inputs.empty()
                           ? fit_to_input(inputs.only(), model_->inputs.front(), "Sequential", name())
                           : inputs.only();
      return model_->sequence.empty() ? Tensors(x) : sequence_plan(*model_, *state_).run(x, context);
    }
    case ModelKind::graph: break;
  }
  if (inputs.size() != model_->inputs.size()) {
    throw Error(label() + " takes " + std::to_string(model_->inputs.size()) + " inputs, got " +
                std::to_string(inputs.size()));
  }
  Tensors fitted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    fitted.push_back(fit_to_input(inputs[i], model_->inputs[i], "Model", name()));
  }
  return model_->plan.run(fitted, context);
}

std::vector<Shape> Model::compute_output_shapes(const std::vector<Shape>& inputs) const {
  if (delegate_ != nullptr) return delegate_->compute_output_shapes(inputs);
  if (model_->kind == ModelKind::graph) return model_->plan.shapes(inputs);
  if (model_->kind == ModelKind::subclass) return Layer::compute_output_shapes(inputs);
  std::vector<Shape> shapes = inputs;
  for (const LayerRef& layer : model_->sequence) shapes = layer->compute_output_shapes(shapes);
  return shapes;
}

std::vector<Tensor> Model::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return Layer::compute_masks(inputs, masks);
}

bool Model::ends_mask(std::size_t input) const {
  return model_->kind == ModelKind::graph && model_->plan.ends_mask(input);
}

Config Model::config() const {
  if (delegate_ != nullptr) return delegate_->config();
  if (model_->kind != ModelKind::subclass) return saving::inner_config(*this, saving::Form::keras3);
  return Config::object({{"name", name()}, {"trainable", trainable()}});
}

std::vector<LayerRef> Model::layers() const {
  if (model_->kind == ModelKind::sequential) return model_->sequence;
  return sublayers();
}

LayerRef Model::get_layer(const std::string& wanted) const {
  std::vector<std::string> names;
  for (const LayerRef& layer : layers()) {
    if (layer->name() == wanted) return layer;
    names.push_back(layer->name());
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  const std::string meant = detail::did_you_mean(wanted, names);
  throw Error(label() + ": no layer is named \"" + wanted + "\"" + (meant.empty() ? "; there are: " + known : meant));
}

LayerRef Model::get_layer(int index) const {
  const std::vector<LayerRef> all = layers();
  const int wanted = index < 0 ? index + static_cast<int>(all.size()) : index;
  if (wanted < 0 || wanted >= static_cast<int>(all.size())) {
    throw Error(label() + ": layer " + std::to_string(index) + " was asked for, there are " +
                std::to_string(all.size()));
  }
  return all[static_cast<std::size_t>(wanted)];
}

std::vector<KerasTensor> Model::inputs() const { return model_->inputs; }
std::vector<KerasTensor> Model::outputs_symbolic() const { return model_->outputs; }

std::vector<std::string> Model::output_names() const { return detail::output_names_of(*model_, model_->output_count); }

std::vector<std::string> Model::input_names() const { return detail::input_names_of(*model_); }

Shape Model::input_shape() const {
  if (model_->inputs.size() == 1) return model_->inputs.front().shape();
  if (!state_->build_shapes.empty() && model_->inputs.empty()) return state_->build_shapes.front();
  throw Error(label() + ": the model has no single input shape");
}

Shape Model::output_shape() const {
  if (model_->outputs.size() != 1) throw Error(label() + ": the model has no single output shape");
  return model_->outputs.front().shape();
}

bool Model::stop_training() const { return model_->stop_training; }
void Model::set_stop_training(bool stop) { model_->stop_training = stop; }
bool Model::compiled() const { return model_->compiled.has_value(); }

Optimizer& Model::optimizer() const {
  if (!compiled()) throw Error("Model \"" + name() + "\": there is no optimizer before compile(optimizer, loss)");
  return *model_->compiled->optimizer;
}

namespace detail {

namespace {

/// The names under which a file nests inputs or outputs; empty if it does not name all.
std::vector<std::string> names_in(const Config& structure, std::size_t count) {
  std::vector<std::string> names(count);
  if (!structure.is_object() || structure.size() != count) return {};
  for (const auto& [key, place] : structure.entries()) {
    if (!place.is_integer()) return {};
    names[static_cast<std::size_t>(place.as_integer())] = key;
  }
  const bool all = std::none_of(names.begin(), names.end(), [](const std::string& name) { return name.empty(); });
  return all ? names : std::vector<std::string>();
}

}  // namespace

std::vector<std::string> input_names_of(const ModelState& state) {
  std::vector<std::string> names = names_in(state.input_structure, state.inputs.size());
  if (!names.empty()) return names;
  for (const KerasTensor& input : state.inputs) names.push_back(input.node()->layer->name());
  return names;
}

std::vector<std::string> output_names_of(const ModelState& state, std::size_t count) {
  std::vector<std::string> names;
  if (state.kind == ModelKind::subclass || state.outputs.size() != count) {
    for (std::size_t i = 0; i < count; ++i) names.push_back("output_" + std::to_string(i + 1));
    return names;
  }
  names = names_in(state.output_structure, count);
  if (!names.empty()) return names;
  for (const KerasTensor& output : state.outputs) {
    std::string name = output.node()->layer->name();
    const bool several = output.node()->shapes.size() > 1;
    if (several) name += "_" + std::to_string(output.index());
    const std::string base = name;
    for (int i = 1; std::find(names.begin(), names.end(), name) != names.end(); ++i) {
      name = base + "_" + std::to_string(i);
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace detail

namespace {

void reset_kept(const Layer& layer) {
  const detail::LayerState& state = detail::state_of(layer);
  if (!state.kept.empty() && layer.config().get("stateful", false)) {
    for (const Variable& kept : state.kept) kept.assign(zeros(kept.shape(), kept.dtype()));
  }
  for (const LayerRef& child : layer.sublayers()) reset_kept(*child);
}

}  // namespace

void Model::reset_states() {
  for (const LayerRef& layer : layers()) {
    if (auto* model = dynamic_cast<Model*>(layer.pointer().get()))
      model->reset_states();
    else
      reset_kept(*layer);
  }
}

}  // namespace nyala
