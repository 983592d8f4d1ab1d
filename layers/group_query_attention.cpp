#include <cmath>

#include "attention_support.hpp"

namespace nyala {

GroupQueryAttention::GroupQueryAttention(GroupQueryAttentionOptions options)
    : LayerOf(attention::without_activity(options)), options_(options) {
  seed_ = track(seed_generator(options.seed));
  for (const auto& [name, value] :
       {std::pair{"head_dim", options.head_dim}, std::pair{"num_query_heads", options.num_query_heads},
        std::pair{"num_key_value_heads", options.num_key_value_heads}}) {
    if (value < 1) {
      throw Error(std::string("GroupQueryAttention: ") + name + " must be positive, got " + std::to_string(value));
    }
  }
  if (options.num_query_heads % options.num_key_value_heads != 0) {
    throw Error("GroupQueryAttention: num_query_heads must divide by num_key_value_heads, got " +
                std::to_string(options.num_query_heads) + " and " + std::to_string(options.num_key_value_heads));
  }
  attention::check_options(options, "GroupQueryAttention");
}

GroupQueryAttention GroupQueryAttention::from_config(const Config& config) {
  return GroupQueryAttention(attention::options_from(
      GroupQueryAttentionOptions{.head_dim = config.at("head_dim").as_int(),
                                 .num_query_heads = config.at("num_query_heads").as_int(),
                                 .num_key_value_heads = config.at("num_key_value_heads").as_int()},
      config));
}

void GroupQueryAttention::build_all(const std::vector<Shape>& inputs) {
  check_inputs(inputs);
  for (const Shape& input : inputs) {
    if (input.rank() != 3) throw Error(label() + " takes inputs (batch, time, features), got " + input.str());
  }
  const Shape &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const auto projected = [&](const char* equation, const Shape& input, const Shape& output, const char* bias,
                             const std::string& name, const ActivationRef& activation = {}) {
    return project(equation, input, output, attention::projection_options(options_, name, bias, activation),
                   name == "attention_output" ? "_output_dense" : "_" + name + "_dense");
  };
  const Shape many{None, options_.num_query_heads, options_.head_dim};
  const Shape few{None, options_.num_key_value_heads, options_.head_dim};
  query_ = projected("bqm,muh->bquh", query, many, "uh", "query");
  key_ = projected("bkm,mvh->bkvh", key, few, "vh", "key");
  if (options_.use_gate) gate_ = projected("bqm,muh->bquh", query, many, "uh", "gate", "sigmoid");
  value_ = projected("bkm,mvh->bkvh", value, few, "vh", "value");
  output_ = projected("bquh,uhm->bqm", {None, None, options_.num_query_heads, options_.head_dim}, {None, query.back()},
                      "m", "attention_output");
}

Tensors GroupQueryAttention::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const CallContext plain{.training = context.training};
  const auto projected = [&](const LayerRef& layer, const Tensor& x) {
    return Tensor(layer->outputs(x.with_mask({}), plain));
  };
  const Tensor q = projected(query_, query), k = projected(key_, key), v = projected(value_, value);
  const Tensor mask = attention::joined_mask(inputs, context, options_.sliding_window, false);
  const bool wants_scores = attention::flag(context, "return_attention_scores");
  const double scale = 1.0 / std::sqrt(static_cast<double>(options_.head_dim));
  auto [attended, scores] = attention::attend(
      q, k, v, mask,
      {scale, options_.dropout, context.training, wants_scores, attention::flag(context, "use_causal_mask")}, seed_);
  if (options_.use_gate) attended = attended * projected(gate_, query);
  Tensors outputs{projected(output_, attended)};
  if (wants_scores) outputs.push_back(scores);
  return outputs;
}

Shape GroupQueryAttention::result_shape(const std::vector<Shape>& inputs) const { return inputs[0]; }

Shape GroupQueryAttention::scores_shape(const std::vector<Shape>& inputs) const {
  return {inputs[0][0], options_.num_query_heads, inputs[0][1], inputs[1][1]};
}

Config GroupQueryAttention::config() const {
  Config config = base_config();
  config["head_dim"] = options_.head_dim;
  config["num_query_heads"] = options_.num_query_heads;
  config["num_key_value_heads"] = options_.num_key_value_heads;
  config["use_bias"] = options_.use_bias;
  config["use_gate"] = options_.use_gate;
  config["sliding_window"] = options_.sliding_window;
  config["dropout"] = options_.dropout;
  attention::write_options(config, options_);
  return config;
}

}  // namespace nyala
