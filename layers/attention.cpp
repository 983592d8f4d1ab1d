#include "attention_support.hpp"

#include <algorithm>

#include <nyala/ops.hpp>

namespace nyala {

namespace {

Shape with_last(Shape shape, std::int64_t size) {
  shape.back() = size;
  return shape;
}

struct Scored {
  double dropout;
  bool training;
};

/// Masks, softmax, dropout and the weighted sum that both attentions share; the scores too, if they are asked for.
Tensors attend(Tensor scores, const Tensor& value, const CallContext& context, Scored how, SeedGenerator& seed) {
  const auto mask_of = [&](std::size_t i) { return i < context.masks.size() ? context.masks[i] : Tensor(); };
  Tensor mask = mask_of(1).defined() ? expand_dims(mask_of(1), -2) : Tensor();
  if (attention::flag(context, "use_causal_mask")) {
    const Tensor causal = attention::causal_mask(scores.shape().at(-2), scores.shape().at(-1));
    mask = mask.defined() ? logical_and(mask, causal) : causal;
  }
  if (mask.defined()) {
    const double far = scores.dtype() == DType::float16 ? 65504.0 : 1e9;
    scores = where(mask, scores, scores - far);
  }
  Tensor weights = softmax(scores, -1);
  if (how.training && how.dropout > 0.0) weights = random::dropout(weights, how.dropout, {}, seed);
  Tensor result = matmul(weights, value);
  if (mask_of(0).defined()) result = where(expand_dims(mask_of(0), -1), result, 0.0);
  Tensors outputs{result};
  if (attention::flag(context, "return_attention_scores")) {
    outputs.push_back(weights);
  }
  return outputs;
}

}  // namespace

Attention::Attention(AttentionOptions options) : LayerOf(options), options_(options) {
  seed_ = track(seed_generator(options.seed));
  attention::check_dropout(options.dropout, "Attention");
  if (options.score_mode != "dot" && options.score_mode != "concat") {
    throw Error("Attention: score_mode must be \"dot\" or \"concat\", got \"" + options.score_mode + "\"");
  }
}

Attention Attention::from_config(const Config& config) {
  return Attention(with_base(AttentionOptions{.use_scale = config.get("use_scale", false),
                                              .score_mode = config.get("score_mode", "dot"),
                                              .dropout = config.get("dropout", 0.0),
                                              .seed = config.optional_integer("seed")},
                             config));
}

void Attention::build_all(const std::vector<Shape>& inputs) {
  check_inputs(inputs);
  attention::check_features(label(), inputs.front(), inputs.back());
  if (options_.use_scale) scale_ = add_weight("scale", {}, "ones");
  if (options_.score_mode == "concat") concat_score_weight_ = add_weight("concat_score_weight", {}, "ones");
}

Tensors Attention::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  Tensor scores;
  const bool plain = !context.training || options_.dropout == 0.0;
  const bool masked =
      std::any_of(context.masks.begin(), context.masks.end(), [](const Tensor& mask) { return mask.defined(); });
  if (options_.score_mode == "dot" && plain && !masked && query.rank() == 3 &&
      !attention::flag(context, "return_attention_scores")) {
    const Tensor scaled = options_.use_scale ? query * Tensor(scale_) : query;
    const Tensor result = dot_product_attention(expand_dims(scaled, 2), expand_dims(key, 2), expand_dims(value, 2), {},
                                                {}, 1.0, attention::flag(context, "use_causal_mask"));
    return {squeeze(result, 2)};
  }
  if (options_.score_mode == "dot") {
    scores = matmul(query, key, false, true);
    if (options_.use_scale) scores = scores * Tensor(scale_);
  } else {
    Tensor both = expand_dims(query, -2) + expand_dims(key, -3);
    if (options_.use_scale) both = both * Tensor(scale_);
    scores = Tensor(concat_score_weight_) * sum(tanh(both), -1);
  }
  return attend(scores, value, context, {options_.dropout, context.training}, seed_);
}

Shape Attention::result_shape(const std::vector<Shape>& inputs) const { return with_last(inputs[0], inputs[1].back()); }

Shape Attention::scores_shape(const std::vector<Shape>& inputs) const { return with_last(inputs[0], inputs[1].at(-2)); }

Config Attention::config() const {
  Config config = base_config();
  config["use_scale"] = options_.use_scale;
  config["score_mode"] = options_.score_mode;
  config["dropout"] = options_.dropout;
  config["seed"] = options_.seed;
  return config;
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options) : LayerOf(options), options_(options) {
  seed_ = track(seed_generator(options.seed));
  attention::check_dropout(options.dropout, "AdditiveAttention");
}

AdditiveAttention AdditiveAttention::from_config(const Config& config) {
  return AdditiveAttention(with_base(AdditiveAttentionOptions{.use_scale = config.get("use_scale", true),
                                                              .dropout = config.get("dropout", 0.0),
                                                              .seed = config.optional_integer("seed")},
                                     config));
}

void AdditiveAttention::build_all(const std::vector<Shape>& inputs) {
  check_inputs(inputs);
  attention::check_features(label(), inputs.front(), inputs.back());
  if (options_.use_scale) scale_ = add_weight("scale", {inputs[0].back()});
}

Tensors AdditiveAttention::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  Tensor both = tanh(expand_dims(query, -2) + expand_dims(key, -3));
  if (options_.use_scale) both = both * Tensor(scale_);
  return attend(sum(both, -1), value, context, {options_.dropout, context.training}, seed_);
}

Shape AdditiveAttention::result_shape(const std::vector<Shape>& inputs) const {
  return with_last(inputs[0], inputs[1].back());
}

Shape AdditiveAttention::scores_shape(const std::vector<Shape>& inputs) const {
  return with_last(inputs[0], inputs[1].at(-2));
}

Config AdditiveAttention::config() const {
  Config config = base_config();
  config["use_scale"] = options_.use_scale;
  config["dropout"] = options_.dropout;
  config["seed"] = options_.seed;
  return config;
}

}  // namespace nyala
