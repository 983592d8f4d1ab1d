#include <nyala/error.hpp>

#include "core/tensor_impl.hpp"
#include "model/graph.hpp"
#include "model/layer_state.hpp"
#include "model/own_class.hpp"
#include "ops/follow_up.hpp"

namespace nyala::detail {

namespace {

/// One without renormalisation, which keeps more than the two moving averages and normalises twice.
bool is_batch_normalization(const Layer& layer) {
  return is_own_class(layer, "BatchNormalization") && state_of(layer).other_weights.size() == 2;
}

bool is_sum(const Layer& layer) { return is_own_class(layer, "Add"); }

enum class Rectifier : unsigned char { none, plain, capped };

Rectifier rectifier_of(const Config& activation) {
  if (!activation.is_string()) return Rectifier::none;
  if (activation.as_string() == "relu") return Rectifier::plain;
  return activation.as_string() == "relu6" ? Rectifier::capped : Rectifier::none;
}

Rectifier rectifier(const Layer& layer) {
  if (is_own_class(layer, "Activation")) {
    try {
      return rectifier_of(layer.config().get("activation"));
    } catch (const Error&) {
      return Rectifier::none;  // a function of the user's has no config
    }
  }
  if (!is_own_class(layer, "ReLU")) return Rectifier::none;
  const Config config = layer.config();
  if (config.get("negative_slope", 0.0) != 0.0 || config.get("threshold", 0.0) != 0.0) return Rectifier::none;
  const std::optional<double> cap = config.optional_double("max_value");
  if (!cap) return Rectifier::plain;
  return *cap == 6.0 ? Rectifier::capped : Rectifier::none;
}

/// Of the layers that say so: a class of the user's that derives from one may do more after its product.
bool is_product(const Layer& layer) { return layer.ends_in_product() && is_own_class(layer, layer.class_name()); }

bool is_last(const Config& axis, const Shape& shape) {
  const Config& only = axis.is_array() && axis.size() == 1 ? axis[0] : axis;
  return only.is_integer() && (only.as_integer() == -1 || only.as_integer() == shape.rank() - 1);
}

/// Nothing but its outputs comes of a call of the layer, and they are of the same dtype.
bool follows_quietly(const Layer& layer, const Layer& first) {
  const LayerState &state = state_of(layer), &before = state_of(first);
  return state.activity_regularizer == nullptr && before.activity_regularizer == nullptr &&
         state.policy.name() == before.policy.name();
}

}  // namespace

void Plan::find_fusions() {
  std::vector<std::size_t> uses(places_, 0), user(places_, none), maker(places_, none);
  for (const std::size_t output : output_places_) uses[output] += 2;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    for (std::size_t k = 0; k < steps_[i].node->shapes.size(); ++k) maker[steps_[i].first_output + k] = i;
    for (const std::size_t input : steps_[i].inputs) {
      ++uses[input];
      user[input] = i;
    }
  }
  // The only step that uses the only output of step i, by its layer alone; else none.
  const auto only_user = [&](std::size_t i) {
    const std::size_t place = steps_[i].first_output;
    if (steps_[i].node->shapes.size() != 1 || uses[place] != 1) return none;
    const GraphNode& node = *steps_[user[place]].node;
    const bool plain = node.context.arguments.is_null() && node.context.tensors.empty() && node.keywords.empty();
    return plain ? user[place] : none;
  };
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Layer& layer = *steps_[i].node->layer;
    if (steps_[i].inputs.size() != 1) continue;
    Fusion fusion;
    fusion.training = is_batch_normalization(layer);
    if (!fusion.training && !is_product(layer)) continue;
    std::size_t last = i;
    const auto next = [&](auto&& fits) {
      const std::size_t step = only_user(last);
      if (step == none || !fits(*steps_[step].node->layer) || !follows_quietly(*steps_[step].node->layer, layer))
        return none;
      return step;
    };
    const auto normalises = [&](const Layer& one) {
      return is_batch_normalization(one) && is_last(one.config().get("axis"), steps_[i].node->shapes.front());
    };
    if (!fusion.training) fusion.normalization = next(normalises);
    if (fusion.normalization != none) {
      last = fusion.normalization;
      const Config config = steps_[last].node->layer->config();
      fusion.epsilon = config.get("epsilon", 1e-3);
      fusion.has_gamma = config.get("scale", true);
      fusion.has_beta = config.get("center", true);
    }
    std::size_t own = 0;  // which term of the sum the result is
    if (const std::size_t sum = next(is_sum); sum != none && steps_[sum].inputs.size() == 2) {
      const std::vector<std::size_t>& terms = steps_[sum].inputs;
      own = terms[0] == steps_[last].first_output ? 0 : 1;
      const std::size_t from = maker[terms[1 - own]];
      if (from == none || from < i) {
        fusion.residual = terms[1 - own];
        last = fusion.sum = sum;
      }
    }
    fusion.activation = next([](const Layer& one) { return rectifier(one) != Rectifier::none; });
    if (fusion.activation != none)
      fusion.capped = rectifier(*steps_[fusion.activation].node->layer) == Rectifier::capped;
    const bool any = fusion.normalization != none || fusion.sum != none || fusion.activation != none;
    if (fusion.training ? fusion.activation == none : !any) continue;
    if (fusion.sum != none) steps_[fusion.sum].fused_input = own;
    steps_[i].fusion = fusion;
  }
}

std::optional<ops::FollowUp> Plan::follow_up(const Fusion& fusion, const Tensors& arguments,
                                             const Values& values) const {
  ops::FollowUp next;
  backend::Finish& finish = next.finish;
  if (fusion.sum != none) finish.residual = values[fusion.residual];
  if (has_mask(arguments.only()) || has_mask(finish.residual)) return std::nullopt;
  if (fusion.activation != none) finish.activation = fusion.capped ? backend::Unary::relu6 : backend::Unary::relu;
  if (fusion.normalization == none) return next;
  const LayerState& state = state_of(*steps_[fusion.normalization].node->layer);
  finish.mean = state.other_weights[0].value();
  finish.variance = state.other_weights[1].value();
  if (fusion.has_gamma) finish.gamma = state.trainable_weights[0].value();
  if (fusion.has_beta) finish.beta = state.trainable_weights[fusion.has_gamma ? 1 : 0].value();
  finish.epsilon = fusion.epsilon;
  return next;
}

}  // namespace nyala::detail
