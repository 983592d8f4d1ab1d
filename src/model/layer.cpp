#include <nyala/layer.hpp>

#include <algorithm>
#include <typeinfo>

#include <nyala/constraint.hpp>
#include <nyala/dtype_policy_map.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/regularizer.hpp>

#include "autograd/variable_impl.hpp"
#include "model/class_registry.hpp"
#include "model/layer_state.hpp"
#include "model/parameter_budget.hpp"

namespace nyala {

using detail::LayerState;

namespace detail {

LayerState& state_of(const Layer& layer) {
  struct Access : Layer {
    using Layer::state_;
  };
  return *(layer.*(&Access::state_));
}

namespace {
thread_local StepScope* current_scope = nullptr;
}

StepScope::StepScope() : outer_(current_scope) { current_scope = this; }
StepScope::~StepScope() { current_scope = outer_; }
StepScope* StepScope::current() { return current_scope; }

}  // namespace detail

Layer::Layer() : state_(std::make_shared<LayerState>()) { state_->policy = nyala::dtype_policy(); }

Layer::Layer(const RegularizerRef& activity_regularizer, bool trainable, const DTypePolicy& dtype,
             const std::string& name)
    : Layer() {
  state_->name = name;
  state_->name_given = !name.empty();
  state_->trainable = trainable;
  state_->policy = dtype.map() != nullptr         ? dtype.of_layer(name)
                   : dtype.quantization().empty() ? DTypePolicy(dtype.name())
                                                  : dtype;
  state_->activity_regularizer = resolve(activity_regularizer, name.empty() ? "activity_regularizer" : name);
  if (name.find('/') != std::string::npos) {
    throw Error("Layer: a name must not contain \"/\", got \"" + name + "\"");
  }
}

Layer::~Layer() = default;

namespace {

std::shared_ptr<LayerState> copy_of(const std::shared_ptr<LayerState>& state) {
  if (state == nullptr || state->built || state->is_model) return state;
  auto fresh = std::make_shared<LayerState>();
  if (state->name_given) fresh->name = state->name;
  fresh->name_given = state->name_given;
  fresh->trainable = state->trainable;
  fresh->is_input = state->is_input;
  fresh->is_operation = state->is_operation;
  fresh->custom_backward = state->custom_backward;
  fresh->policy = state->policy;
  fresh->activity_regularizer = state->activity_regularizer;
  fresh->activity_summed = state->activity_summed;
  fresh->children = state->children;
  fresh->seeds = state->seeds;
  fresh->specs = state->specs;
  return fresh;
}

}  // namespace

Layer::Layer(const Layer& other) : state_(copy_of(other.state_)) {}
Layer::Layer(Layer&& other) noexcept : state_(other.state_) {}
Layer& Layer::operator=(const Layer& other) {
  if (this != &other) state_ = copy_of(other.state_);
  return *this;
}
Layer& Layer::operator=(Layer&& other) noexcept {
  state_ = other.state_;
  return *this;
}

void Layer::build(const Shape& input) {
  if (!state_->in_build) build_now({input});  // called by hand, as in Python, where build_all is overridden
}
void Layer::build_all(const std::vector<Shape>& inputs) {
  if (!inputs.empty()) build(inputs.front());
}

Tensor Layer::forward(const Tensor&, bool) { throw Error(label() + ": the layer overrides neither forward nor call"); }

Tensors Layer::call(const Tensors& inputs, bool training) {
  if (inputs.size() != 1) {
    throw Error(label() + ": the layer takes one input, got " + std::to_string(inputs.size()) +
                "; a layer of several inputs overrides call");
  }
  return forward(inputs.only(), training);
}

Tensors Layer::call_with(const Tensors& inputs, const CallContext& context) { return call(inputs, context.training); }
Tensor Layer::backward(const Tensor&) { return {}; }

DType Layer::compute_output_dtype(const std::vector<DType>&) const { return compute_dtype(); }

std::vector<Tensor> Layer::compute_masks(const Tensors&, const std::vector<Tensor>& masks) const {
  if (!supports_masking() || masks.empty()) return {};
  return {masks.front()};
}

bool Layer::supports_masking() const { return false; }
bool Layer::ends_mask(std::size_t) const { return false; }
bool Layer::autocasts() const { return true; }
bool Layer::ends_in_product() const { return false; }
KerasForm Layer::keras_form() const { return {}; }

std::string Layer::class_name() const {
  const std::string name = detail::readable_type(typeid(*this).name());
  return name.substr(0, name.find('<'));
}

Config Layer::base_config() const {
  Config config = Config::object();
  config["name"] = name();
  config["trainable"] = state_->trainable;
  config["dtype"] = to_config(state_->policy);
  if (state_->activity_regularizer != nullptr) {
    config["activity_regularizer"] = to_config(state_->activity_regularizer);
  }
  return config;
}

Config Layer::config() const { return base_config(); }

const std::string& Layer::name() const {
  if (state_->name.empty()) state_->name = detail::unique_name(detail::snake_case(class_name()));
  return state_->name;
}

std::string Layer::label() const { return class_name() + " \"" + name() + "\""; }

void Layer::mark_backward(bool overridden) {
  if (state_->is_model) return;
  state_->custom_backward = overridden ? detail::CustomBackward::yes : detail::CustomBackward::no;
}

bool Layer::built() const { return state_->built; }
bool Layer::trainable() const { return state_->trainable; }

void Layer::set_trainable(bool trainable) {
  state_->trainable = trainable;
  for (const Variable& weight : state_->trainable_weights) weight.impl()->trainable = trainable;
  for (const LayerState::Child& child : state_->children) child.layer->set_trainable(trainable);
}

DTypePolicy Layer::dtype_policy() const { return state_->policy; }
DType Layer::compute_dtype() const { return state_->policy.compute_dtype(); }
DType Layer::variable_dtype() const { return state_->policy.variable_dtype(); }

namespace {

void append_new(std::vector<Variable>& list, const Variable& variable) {
  const bool seen = std::any_of(list.begin(), list.end(), [&](const Variable& v) { return v.is(variable); });
  if (!seen) list.push_back(variable);
}

void collect(const LayerState& state, std::vector<Variable>& weights, std::vector<const LayerState*>& visited) {
  if (std::find(visited.begin(), visited.end(), &state) != visited.end()) return;
  visited.push_back(&state);
  for (const Variable& weight : state.trainable_weights) append_new(weights, weight);
  for (const Variable& weight : state.other_weights) append_new(weights, weight);
  for (const LayerState::Child& child : state.children) collect(detail::state_of(*child.layer), weights, visited);
}

}  // namespace

std::vector<Variable> Layer::weights() const {
  constexpr std::size_t usual = 16;
  std::vector<Variable> weights;
  std::vector<const LayerState*> visited;
  weights.reserve(usual);
  visited.reserve(usual);
  collect(*state_, weights, visited);
  return weights;
}

std::vector<Variable> Layer::trainable_variables() const {
  if (!state_->trainable) return {};
  std::vector<Variable> weights = this->weights();
  std::erase_if(weights, [](const Variable& weight) { return !weight.trainable(); });
  return weights;
}

std::vector<Variable> Layer::non_trainable_variables() const {
  std::vector<Variable> weights = this->weights();
  if (state_->trainable) std::erase_if(weights, [](const Variable& weight) { return weight.trainable(); });
  return weights;
}

std::vector<Tensor> Layer::get_weights() const {
  std::vector<Tensor> values;
  for (const Variable& weight : weights()) {
    const Tensor& value = weight.value();
    const Tensor host = value.to(Device());
    values.push_back(host.is(value) ? value.clone() : host);
  }
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) {
  const std::vector<Variable> weights = this->weights();
  if (values.size() != weights.size()) {
    throw Error(label() + ": set_weights takes " + std::to_string(weights.size()) + " weights, got " +
                std::to_string(values.size()) + (built() ? "" : " (the layer is not built yet)"));
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!values[i].defined() || values[i].shape() != weights[i].shape()) {
      throw Error(label() + ": weight \"" + weights[i].path() + "\" has the shape " + weights[i].shape().str() +
                  ", the value given " + (values[i].defined() ? values[i].shape().str() : "is empty"));
    }
  }
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i].assign(values[i]);
}

std::int64_t Layer::count_params() const {
  if (!built()) throw Error(label() + ": the layer has no weights to count before it is built");
  std::int64_t count = 0;
  for (const Variable& weight : weights()) count += weight.shape().elements();
  return count;
}

std::vector<LayerRef> Layer::sublayers() const {
  std::vector<LayerRef> layers;
  for (const LayerState::Child& child : state_->children) layers.push_back(child.layer);
  return layers;
}

std::vector<Tensor> Layer::regularization_losses() const {
  std::vector<Tensor> losses;
  for (const Variable& weight : weights()) {
    if (weight.trainable() && weight.regularizer() != nullptr) losses.push_back((*weight.regularizer())(weight));
  }
  return losses;
}

Variable Layer::add_weight(const std::string& name, const Shape& shape, const InitializerRef& initializer,
                           const WeightOptions& options) {
  if (!shape.known()) {
    throw Error(label() + ": the weight \"" + name + "\" needs sizes that are known when the layer is built, got " +
                shape.str());
  }
  const std::string owner = label() + ": " + name;
  const auto object = resolve(initializer, owner);
  if (object == nullptr) throw Error(owner + ": a weight needs an initializer");
  StopRecording stop;
  const DType dtype = options.dtype.value_or(variable_dtype());
  // Who calls build() itself, as Python does, has made the weights already.
  const auto same = std::find_if(state_->by_hand.begin(), state_->by_hand.end(), [&](const Variable& known) {
    return known.name() == name && known.shape() == shape && known.dtype() == dtype;
  });
  if (state_->in_build && same != state_->by_hand.end()) {
    const Variable known = *same;
    state_->by_hand.erase(same);
    return known;
  }
  const bool in_range = std::all_of(shape.begin(), shape.end(), [](std::int64_t size) { return size >= 0; });
  if (!in_range) throw Error(owner + ": a weight cannot have the shape " + shape.str());
  detail::ParameterBudget* budget = detail::ParameterBudget::current();
  if (budget != nullptr) budget->take(shape, dtype, owner);
  const bool initialize = budget == nullptr || budget->initialize();
  Tensor initial = initialize ? (*object)(shape, dtype) : zeros(shape, dtype);
  if (initial.shape() != shape) {
    throw Error(owner + ": the initializer gave the shape " + initial.shape().str() + " where " + shape.str() +
                " was asked for");
  }
  initial = cast(initial, dtype);
  initial = initial.to(default_device());
  const Variable variable =
      detail::variable_in(std::move(initial), {.trainable = options.trainable && state_->trainable, .name = name});
  detail::VariableImpl& impl = *variable.impl();
  impl.path = this->name() + "/" + name;
  impl.autocast = options.autocast;
  impl.regularizer = resolve(options.regularizer, owner);
  impl.constraint = resolve(options.constraint, owner);
  (options.trainable ? state_->trainable_weights : state_->other_weights).push_back(variable);
  if (!state_->in_build && !state_->built) state_->by_hand.push_back(variable);
  return variable;
}

void Layer::share_weight(const Variable& weight) {
  (weight.trainable() ? state_->trainable_weights : state_->other_weights).push_back(weight);
}

LayerRef Layer::track(LayerRef child, const std::string& attribute) {
  if (!child.defined()) throw Error(label() + ": a layer that holds nothing cannot be tracked");
  state_->children.push_back({child, attribute});
  return child;
}

void Layer::track(const ActivationFunction& activation, const std::string& attribute) {
  if (activation.layer() != nullptr) state_->children.push_back({LayerRef(activation.layer()), attribute, true});
}

SeedGenerator Layer::track(const SeedGenerator& seed) {
  state_->seeds.push_back(seed);
  return seed;
}

Variable Layer::track(const Variable& kept) {
  state_->kept.push_back(kept);
  return kept;
}

std::vector<LayerRef> Layer::track(const std::vector<LayerRef>& children, const std::string& attribute) {
  detail::ListNames names;
  for (const LayerRef& child : children) {
    if (!child.defined()) throw Error(label() + ": a layer that holds nothing cannot be tracked");
    track(child, attribute + "/" + names.next(child->class_name()));
  }
  return children;
}

void Layer::add_loss(const Tensor& loss) {
  if (detail::StepScope* scope = detail::StepScope::current()) scope->losses.push_back(loss);
}

void Layer::add_metric(const Tensor& value, const std::string& name) {
  if (detail::StepScope* scope = detail::StepScope::current()) scope->metrics.emplace_back(name, value);
}

void Layer::set_input_spec(std::vector<InputSpec> specs) { state_->specs = std::move(specs); }

void detail_read_base(const Config& config, RegularizerRef& activity_regularizer, bool& trainable, DTypePolicy& dtype,
                      std::string& name) {
  activity_regularizer = regularizer_from_config(config.get("activity_regularizer"));
  trainable = config.get("trainable", true);
  name = config.get("name", "");
  if (!config.get("dtype").is_null()) dtype = dtype_policy_from_config(config.get("dtype"));
}

}  // namespace nyala
