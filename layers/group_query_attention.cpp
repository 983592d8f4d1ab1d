#include <cmath>

#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/attention.hpp>
#include <nyala/regularizer.hpp>

#include "attention_support.hpp"
#include "seed.hpp"

namespace nyala {

namespace {

void check_inputs(const std::vector<Shape>& inputs, const std::string& label) {
  if (inputs.size() != 2 && inputs.size() != 3) {
    throw Error(label + " takes {query, value} or {query, value, key}, got " + std::to_string(inputs.size()) +
                " inputs");
  }
  for (const Shape& input : inputs) {
    if (input.rank() != 3) throw Error(label + " takes inputs (batch, time, features), got " + input.str());
  }
}

/// As in Keras, it is the projections whose outputs are penalised.
GroupQueryAttentionOptions of_the_projections(GroupQueryAttentionOptions options) {
  options.activity_regularizer = {};
  return options;
}

}  // namespace

GroupQueryAttention::GroupQueryAttention(GroupQueryAttentionOptions options)
    : LayerOf(of_the_projections(options)), options_(options), seed_(track(seed_generator(options.seed))) {
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
  if (!(options.dropout >= 0.0 && options.dropout <= 1.0)) {
    throw Error("GroupQueryAttention: dropout must lie in [0, 1], got " + std::to_string(options.dropout));
  }
  if (options.sliding_window && *options.sliding_window < 1) {
    throw Error("GroupQueryAttention: sliding_window must be positive, got " + std::to_string(*options.sliding_window));
  }
}

GroupQueryAttention GroupQueryAttention::from_config(const Config& config) {
  return GroupQueryAttention(with_base(
      GroupQueryAttentionOptions{
          .head_dim = config.at("head_dim").as_int(),
          .num_query_heads = config.at("num_query_heads").as_int(),
          .num_key_value_heads = config.at("num_key_value_heads").as_int(),
          .dropout = config.get("dropout", 0.0),
          .use_bias = config.get("use_bias", true),
          .sliding_window = config.optional_int("sliding_window"),
          .kernel_initializer = initializer_from_config(config, "kernel_initializer", "glorot_uniform"),
          .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),
          .kernel_regularizer = regularizer_from_config(config.get("kernel_regularizer")),
          .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
          .kernel_constraint = constraint_from_config(config.get("kernel_constraint")),
          .bias_constraint = constraint_from_config(config.get("bias_constraint")),
          .use_gate = config.get("use_gate", false),
          .seed = config.optional_integer("seed")},
      config));
}

void GroupQueryAttention::build_all(const std::vector<Shape>& inputs) {
  check_inputs(inputs, label());
  const Shape &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const auto project = [&](const char* equation, const Shape& input, const Shape& output, const char* bias,
                           const char* name, const char* attribute, const ActivationRef& activation = {}) {
    LayerRef layer = track(EinsumDense(equation, output,
                                       {.activation = activation,
                                        .bias_axes = options_.use_bias ? bias : "",
                                        .kernel_initializer = options_.kernel_initializer,
                                        .bias_initializer = options_.bias_initializer,
                                        .kernel_regularizer = options_.kernel_regularizer,
                                        .bias_regularizer = options_.bias_regularizer,
                                        .kernel_constraint = options_.kernel_constraint,
                                        .bias_constraint = options_.bias_constraint,
                                        .activity_regularizer = options_.activity_regularizer,
                                        .trainable = trainable(),
                                        .dtype = dtype_policy(),
                                        .name = name}),
                           attribute);
    layer->build_now({input});
    return layer;
  };
  const Shape many{None, options_.num_query_heads, options_.head_dim};
  const Shape few{None, options_.num_key_value_heads, options_.head_dim};
  query_ = project("bqm,muh->bquh", query, many, "uh", "query", "_query_dense");
  key_ = project("bkm,mvh->bkvh", key, few, "vh", "key", "_key_dense");
  if (options_.use_gate) gate_ = project("bqm,muh->bquh", query, many, "uh", "gate", "_gate_dense", "sigmoid");
  value_ = project("bkm,mvh->bkvh", value, few, "vh", "value", "_value_dense");
  output_ = project("bquh,uhm->bqm", {None, None, options_.num_query_heads, options_.head_dim}, {None, query.back()},
                    "m", "attention_output", "_output_dense");
}

Tensors GroupQueryAttention::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const CallContext plain{.training = context.training};
  const auto projected = [&](const LayerRef& layer, const Tensor& x) {
    return Tensor(layer->outputs(x.with_mask({}), plain));
  };
  const int repeats = options_.num_query_heads / options_.num_key_value_heads;
  const Tensor q = projected(query_, query);
  const Tensor k = repeat(projected(key_, key), repeats, 2), v = repeat(projected(value_, value), repeats, 2);
  const Tensor mask = attention::joined_mask(inputs, context, options_.sliding_window);
  const bool wants_scores = attention::flag(context, "return_attention_scores");
  const double scale = 1.0 / std::sqrt(static_cast<double>(options_.head_dim));
  Tensor attended, scores;
  if (!wants_scores && options_.dropout == 0.0) {
    attended = dot_product_attention(q, k, v, {}, mask, scale);
  } else {
    const std::vector<int> heads_first{0, 2, 1, 3};
    scores = matmul(transpose(q * scale, heads_first), transpose(k, heads_first), false, true);
    if (mask.defined()) scores = where(mask, scores, scores.dtype() == DType::float16 ? -3e4 : -1e9);
    scores = softmax(scores, -1);
    if (mask.defined()) scores = scores * cast(mask, scores.dtype());
    const bool drops = context.training && options_.dropout > 0.0;
    const Tensor weights = drops ? random::dropout(scores, options_.dropout, {}, seed_) : scores;
    attended = transpose(matmul(weights, transpose(v, heads_first)), heads_first);
  }
  if (options_.use_gate) attended = attended * projected(gate_, query);
  Tensors outputs{projected(output_, attended)};
  if (wants_scores) outputs.push_back(scores);
  return outputs;
}

std::vector<Shape> GroupQueryAttention::compute_output_shapes(const std::vector<Shape>& inputs) const {
  check_inputs(inputs, label());
  return {inputs[0]};
}

std::vector<Shape> GroupQueryAttention::compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                                   const CallContext& context) const {
  check_inputs(inputs, label());
  if (!attention::flag(context, "return_attention_scores")) return {inputs[0]};
  return {inputs[0], {inputs[0][0], options_.num_query_heads, inputs[0][1], inputs[1][1]}};
}

std::vector<Tensor> GroupQueryAttention::compute_masks(const Tensors&, const std::vector<Tensor>& masks) const {
  return masks.empty() ? std::vector<Tensor>() : std::vector<Tensor>{masks.front()};
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
  config["kernel_initializer"] = to_config(options_.kernel_initializer);
  config["bias_initializer"] = to_config(options_.bias_initializer);
  config["kernel_regularizer"] = to_config(options_.kernel_regularizer);
  config["bias_regularizer"] = to_config(options_.bias_regularizer);
  config["activity_regularizer"] = to_config(options_.activity_regularizer);
  config["kernel_constraint"] = to_config(options_.kernel_constraint);
  config["bias_constraint"] = to_config(options_.bias_constraint);
  config["seed"] = options_.seed;
  return config;
}

}  // namespace nyala
