// How a layer is called: checks, building, casting, masks, and gradients written by hand.
#include <nyala/error.hpp>
#include <nyala/layer.hpp>

#include "autograd/node.hpp"
#include "autograd/variable_impl.hpp"
#include "core/device_memory.hpp"
#include "core/subnormals.hpp"
#include "model/layer_state.hpp"
#include "model/unknown_sizes.hpp"

namespace nyala {

using detail::LayerState;

namespace detail {

namespace {

/// Without the `Dense "dense": ` that many reasons begin with, since the path says it.
std::string without_label(const std::string& reason, const std::string& layer_path, const std::string& layer_class) {
  const std::string label = layer_class + " \"" + layer_path.substr(layer_path.rfind('/') + 1) + "\": ";
  return reason.starts_with(label) ? reason.substr(label.size()) : reason;
}

}  // namespace

LayerError::LayerError(const std::string& layer_path, const std::string& layer_class, const std::string& what_was_wrong)
    : Error("layer \"" + layer_path + "\" (" + layer_class +
            "): " + without_label(what_was_wrong, layer_path, layer_class)),
      path(layer_path),
      class_name(layer_class),
      reason(without_label(what_was_wrong, layer_path, layer_class)) {}

}  // namespace detail

namespace {

const Shape& shape_of(const Shape& shape) { return shape; }
const Shape& shape_of(const Tensor& tensor) {
  static const Shape none;
  return tensor.defined() ? tensor.shape() : none;
}

/// `inputs`: tensors, or shapes.
template <class Inputs>
void check_specs(const LayerState& state, const Inputs& inputs) {
  if (state.specs.empty()) return;
  if (inputs.size() != state.specs.size()) {
    throw Error("the layer expects " + std::to_string(state.specs.size()) + " inputs, got " +
                std::to_string(inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputSpec& spec = state.specs[i];
    const Shape& shape = shape_of(inputs[i]);
    const auto refuse = [&](const std::string& rule) {
      throw Error("the layer expects " + rule + ", got an input of shape " + shape.str());
    };
    if (spec.rank && shape.rank() != *spec.rank) {
      refuse("an input of rank " + std::to_string(*spec.rank) + ", the batch axis among them");
    }
    if (spec.min_rank && shape.rank() < *spec.min_rank) {
      refuse("an input of rank " + std::to_string(*spec.min_rank) + " or more");
    }
    if (spec.max_rank && shape.rank() > *spec.max_rank) {
      refuse("an input of rank " + std::to_string(*spec.max_rank) + " or less");
    }
    for (const auto& [axis, size] : spec.axes) {
      if (axis >= shape.rank() || axis < -shape.rank()) refuse("an axis " + std::to_string(axis));
      const std::int64_t found = shape.at(axis);
      if (found != None && found != size) {
        refuse("axis " + std::to_string(axis) + " to have size " + std::to_string(size));
      }
    }
  }
}

std::vector<Shape> shapes_of(const Tensors& inputs) {
  std::vector<Shape> shapes;
  shapes.reserve(inputs.size());
  for (const Tensor& input : inputs) shapes.push_back(input.defined() ? input.shape() : Shape());
  return shapes;
}

/// Runs a layer whose class may override backward. Its own operations are recorded from a private copy of the inputs,
/// so that weights get their gradients by the tape; whether the inputs' gradients come that way too is decided when
/// backward has been asked.
Tensors call_with_backward(Layer& layer, const std::shared_ptr<void>& keeper, const Tensors& inputs,
                           const CallContext& context) {
  struct Choice {
    bool by_hand = false;
  };
  const auto choice = std::make_shared<Choice>();
  const Tensor& x = inputs.only();
  Tensor private_x = detail::alias(x).with_mask(x.mask());
  autograd::attach(private_x, "layer input", {x}, [choice](autograd::Backward& b) {
    if (!choice->by_hand) b.set(0, b.grad());
  });
  const Tensors outputs = layer.call_with(private_x, context);
  if (outputs.size() != 1 || !is_floating(outputs.only().dtype())) return outputs;
  const Tensor y = outputs.only();
  Tensor result = detail::alias(y).with_mask(y.mask());
  const Shape shape = x.shape();
  Layer* self = &layer;
  autograd::attach(result, "layer", {x, y}, [choice, self, keeper, shape](autograd::Backward& b) {
    const Tensor gradient = self->backward(b.grad());
    choice->by_hand = gradient.defined();
    if (gradient.defined()) {
      if (gradient.shape() != shape) {
        throw Error(self->class_name() + " \"" + self->name() + "\": backward returned the shape " +
                    gradient.shape().str() + ", the input has " + shape.str());
      }
      b.set(0, gradient);
    }
    b.set(1, b.grad());
  });
  return result;
}

}  // namespace

Device detail::home_of(const LayerState& state) {
  const auto first = [](const auto& self, const LayerState& of, int depth) -> const Variable* {
    if (!of.trainable_weights.empty()) return &of.trainable_weights.front();
    if (!of.other_weights.empty()) return &of.other_weights.front();
    for (const LayerState::Child& child : of.children) {
      const Variable* const found = depth > 64 ? nullptr : self(self, state_of(*child.layer), depth + 1);
      if (found != nullptr) return found;
    }
    return nullptr;
  };
  const Variable* const weight = first(first, state, 0);
  return weight == nullptr ? default_device() : weight->impl()->value.device();
}

void Layer::build_now(const std::vector<Shape>& inputs) {
  const std::lock_guard lock(state_->building);
  check_specs(*state_, inputs);
  if (state_->built) return;
  const StopRecording stop;
  state_->in_build = true;
  try {
    build_all(inputs);
  } catch (...) {
    state_->in_build = false;
    throw;
  }
  state_->in_build = false;
  state_->by_hand.clear();
  for (const LayerState::Child& child : state_->children) {
    if (child.takes_output && !child.layer->built()) child.layer->build_now({compute_output_shapes(inputs).front()});
  }
  state_->build_shapes = inputs;
  state_->built = true;
  check_specs(*state_, inputs);
}

Tensors Layer::invoke(const Tensors& given_inputs, const CallContext& given) {
  const detail::FlushSubnormals flush;
  try {
    LayerState& state = *state_;
    Tensors moved;
    std::optional<detail::LatePlace> place;
    if (detail::gpu_in_use()) {
      place.emplace(name(), class_name());
      for (const Tensor& input : given_inputs) {
        if (moved.empty() && input.defined() && input.device().kind() == Device::Kind::cpu)
          moved = detail::upload(given_inputs, detail::home_of(state));
      }
    }
    const Tensors& inputs = moved.empty() ? given_inputs : moved;
    bool any_mask = false, cast_needed = false, autocast = false;
    const DType compute = state.policy.compute_dtype();
    for (const Tensor& input : inputs) {
      if (!input.defined()) continue;
      any_mask = any_mask || input.impl()->mask != nullptr;
      cast_needed = cast_needed || (is_floating(input.dtype()) && input.dtype() != compute);
    }
    if (!state.built)
      build_now(shapes_of(inputs));
    else
      check_specs(state, inputs);
    autocast = state.policy.variable_dtype() != compute;

    const CallContext* context = &given;
    std::optional<CallContext> with_masks;
    if (any_mask && given.masks.empty()) {
      with_masks = given;
      for (const Tensor& input : inputs) with_masks->masks.push_back(input.mask());
      context = &*with_masks;
    }
    any_mask = any_mask || !context->masks.empty();

    Tensors cast_inputs;
    if (cast_needed && !state.is_model && !state.is_operation && autocasts()) {
      for (const Tensor& input : inputs) {
        const bool convert = input.defined() && is_floating(input.dtype()) && input.dtype() != compute;
        cast_inputs.push_back(convert ? cast(input, compute).with_mask(input.mask()) : input);
      }
    }
    const Tensors& used = cast_inputs.empty() ? inputs : cast_inputs;

    std::optional<detail::AutocastScope> scope;
    if (!state.is_model) scope.emplace(autocast ? compute : state.policy.variable_dtype());
    const bool by_hand =
        state.custom_backward != detail::CustomBackward::no && used.size() == 1 && autograd::recording(used.only());
    Tensors outputs = by_hand ? call_with_backward(*this, state_, used, *context) : call_with(used, *context);
    scope.reset();

    if (any_mask && !state.is_model) {
      const std::vector<Tensor> masks = compute_masks(used, context->masks);
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!outputs[i].defined()) continue;
        const bool carries = outputs[i].mask().defined() && supports_masking();
        if (carries && i >= masks.size()) continue;
        outputs[i] = outputs[i].with_mask(i < masks.size() ? masks[i] : Tensor());
      }
    }
    if (state.activity_regularizer != nullptr && detail::StepScope::current() != nullptr) {
      for (const Tensor& output : outputs) {
        const double rows = output.rank() > 0 && !state.activity_summed ? static_cast<double>(output.shape()[0]) : 1.0;
        add_loss((*state.activity_regularizer)(output) / rows);
      }
    }
    return outputs;
  } catch (const detail::LayerError& error) {
    throw detail::LayerError(name() + "/" + error.path, error.class_name, error.reason);
  } catch (const Error& error) {
    throw detail::LayerError(name(), class_name(), error.what());
  }
}

Tensor Layer::operator()(const Tensor& x, bool training) {
  const Tensors outputs = invoke(x, CallContext{.training = training});
  if (outputs.size() != 1) {
    throw Error(label() + " has " + std::to_string(outputs.size()) + " outputs; call it by outputs(…)");
  }
  return outputs.only();
}

Tensor Layer::operator()(const std::vector<Tensor>& inputs, bool training) {
  const Tensors outputs = invoke(inputs, CallContext{.training = training});
  if (outputs.size() != 1) {
    throw Error(label() + " has " + std::to_string(outputs.size()) + " outputs; call it by outputs(…)");
  }
  return outputs.only();
}

Tensors Layer::outputs(const Tensors& inputs, const CallContext& context) { return invoke(inputs, context); }

Tensor LayerRef::operator()(const Tensor& x, bool training) const {
  if (!defined()) throw Error("LayerRef: this holds no layer");
  return (*layer_)(x, training);
}

Tensor LayerRef::operator()(const std::vector<Tensor>& inputs, bool training) const {
  if (!defined()) throw Error("LayerRef: this holds no layer");
  return (*layer_)(inputs, training);
}

namespace {

/// The output shapes of the layer run on zeros with every unknown size set to `size`.
std::vector<Shape> shapes_with(Layer& layer, const std::vector<Shape>& inputs, std::int64_t size) {
  Tensors zeros_in;
  for (const Shape& input : inputs) {
    const Shape shape = detail::with_unknown(input, size);
    if (shape.elements() > detail::max_probe_elements)
      throw Error("its output shape cannot be found by a run on zeros: the input " + shape.str() + " is too large");
    zeros_in.push_back(zeros(shape, layer.compute_dtype()));
  }
  const StopRecording stop;
  std::vector<Shape> shapes;
  for (const Tensor& output : layer.outputs(zeros_in)) shapes.push_back(output.shape());
  return shapes;
}

std::vector<Shape> probe(const Layer& layer, const std::vector<Shape>& inputs) {
  auto& self = const_cast<Layer&>(layer);
  std::vector<Shape> shapes = shapes_with(self, inputs, 2);
  if (!detail::mark_unknown(shapes, shapes_with(self, inputs, 3)))
    throw Error(layer.class_name() + " \"" + layer.name() + "\": the rank of its output is not fixed");
  return shapes;
}

}  // namespace

Shape Layer::compute_output_shape(const Shape& input) const { return probe(*this, {input}).front(); }

std::vector<Shape> Layer::compute_output_shapes(const std::vector<Shape>& inputs) const {
  if (inputs.size() == 1) return {compute_output_shape(inputs.front())};
  return probe(*this, inputs);
}

std::vector<Shape> Layer::compute_output_shapes_with(const std::vector<Shape>& inputs, const CallContext&) const {
  return compute_output_shapes(inputs);
}

}  // namespace nyala
