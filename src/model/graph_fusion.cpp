#include "model/graph.hpp"
#include "model/layer_state.hpp"
#include "model/own_class.hpp"

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
    if (steps_[i].inputs.size() != 1 || !is_batch_normalization(layer)) continue;
    Fusion fusion{only_user(i), none, 0, false};
    if (fusion.activation == none) continue;
    if (is_sum(*steps_[fusion.activation].node->layer)) {
      fusion.sum = fusion.activation;
      const std::vector<std::size_t>& terms = steps_[fusion.sum].inputs;
      fusion.activation = only_user(fusion.sum);
      if (terms.size() != 2 || fusion.activation == none) continue;
      const std::size_t own = terms[0] == steps_[i].first_output ? 0 : 1;
      fusion.residual = terms[1 - own];
      const std::size_t from = maker[fusion.residual];
      if ((from != none && from >= i) || !follows_quietly(*steps_[fusion.sum].node->layer, layer)) continue;
      steps_[fusion.sum].fused_input = own;
    }
    const Layer& last = *steps_[fusion.activation].node->layer;
    const Rectifier kind = rectifier(last);
    if (kind == Rectifier::none || !follows_quietly(last, layer)) continue;
    fusion.capped = kind == Rectifier::capped;
    steps_[i].fusion = fusion;
  }
}

}  // namespace nyala::detail
