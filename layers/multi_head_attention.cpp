#include <algorithm>
#include <cmath>

#include "attention_support.hpp"

namespace nyala {

namespace {

/// (batch, axes…, heads, dim) -> (batch · other axes, attended axes, heads, dim), and what undoes it.
struct Folding {
  std::vector<int> order;
  Shape moved, folded;
};

Folding folding(const Shape& shape, const std::vector<int>& axes) {
  Folding result;
  const int rank = shape.rank();
  result.order.push_back(0);
  for (int axis = 1; axis < rank - 2; ++axis) {
    if (std::find(axes.begin(), axes.end(), axis) == axes.end()) result.order.push_back(axis);
  }
  const std::size_t others = result.order.size();
  for (const int axis : axes) result.order.push_back(axis);
  result.order.push_back(rank - 2);
  result.order.push_back(rank - 1);
  std::int64_t rows = 1, steps = 1;
  for (std::size_t i = 0; i < result.order.size(); ++i) {
    const std::int64_t size = shape.at(result.order[i]);
    result.moved.push_back(size);
    if (i < others)
      rows *= size;
    else if (i + 2 < result.order.size())
      steps *= size;
  }
  result.folded = {rows, steps, shape.at(-2), shape.at(-1)};
  return result;
}

bool in_order(const std::vector<int>& order) { return std::is_sorted(order.begin(), order.end()); }

Tensor fold(const Tensor& x, const std::vector<int>& axes) {
  const Folding f = folding(x.shape(), axes);
  const Tensor moved = in_order(f.order) ? x : transpose(x, f.order);
  return x.rank() == 4 ? moved : reshape(moved, f.folded);
}

Tensor unfold(const Tensor& y, const Shape& like, const std::vector<int>& axes) {
  const Folding f = folding(like, axes);
  Shape moved = f.moved;
  moved.back() = y.shape().back();
  const Tensor spread = y.shape() == moved ? y : reshape(y, moved);
  if (in_order(f.order)) return spread;
  std::vector<int> back(f.order.size());
  for (std::size_t i = 0; i < f.order.size(); ++i) back[static_cast<std::size_t>(f.order[i])] = static_cast<int>(i);
  return transpose(spread, back);
}

/// (batch · other axes, heads, rows, columns) -> (batch, other axes…, heads, attended axes…, attended axes…).
Tensor spread_scores(const Tensor& scores, const Shape& query, const Shape& key, const std::vector<int>& axes) {
  if (query.rank() == 4) return scores;
  const Shape rows = folding(query, axes).moved, columns = folding(key, axes).moved;
  const std::size_t others = rows.size() - 2 - axes.size();
  Shape shape(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(others));
  shape.push_back(query.at(-2));
  for (const Shape& side : {rows, columns}) {
    for (std::size_t i = others; i < others + axes.size(); ++i) shape.push_back(side[i]);
  }
  return reshape(scores, shape);
}

const std::string letters = "abcdefghijklmnopqrstuvwxyz";

}  // namespace

MultiHeadAttention::MultiHeadAttention(MultiHeadAttentionOptions options)
    : LayerOf(attention::without_activity(options)), options_(options) {
  seed_ = track(seed_generator(options.seed));
  if (options.num_heads < 1) {
    throw Error("MultiHeadAttention: num_heads must be positive, got " + std::to_string(options.num_heads));
  }
  if (options.key_dim < 1) {
    throw Error("MultiHeadAttention: key_dim must be positive, got " + std::to_string(options.key_dim));
  }
  if (options.value_dim && *options.value_dim < 1) {
    throw Error("MultiHeadAttention: value_dim must be positive, got " + std::to_string(*options.value_dim));
  }
  attention::check_options(options, "MultiHeadAttention");
}

MultiHeadAttention MultiHeadAttention::from_config(const Config& config) {
  auto options = attention::options_from(MultiHeadAttentionOptions{.num_heads = config.at("num_heads").as_int(),
                                                                   .key_dim = config.at("key_dim").as_int(),
                                                                   .value_dim = config.optional_int("value_dim")},
                                         config);
  const Config& shape = config.get("output_shape");
  if (!shape.is_null()) options.output_shape = shape.is_array() ? shape.as_shape() : Shape{shape.as_integer()};
  if (!config.get("attention_axes").is_null()) {
    for (const std::int64_t axis : config.get("attention_axes").as_integers()) {
      options.attention_axes.push_back(static_cast<int>(axis));
    }
  }
  MultiHeadAttention layer(options);
  layer.keeps_masks_ = config.get("nyala_keeps_masks", false);
  return layer;
}

void MultiHeadAttention::build_all(const std::vector<Shape>& inputs) {
  check_inputs(inputs);
  const Shape &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const int rank = query.rank();
  if (rank < 3 || value.rank() != rank || key.rank() != rank) {
    throw Error(label() + " takes inputs (batch, …, features) of one rank, 3 or more, got " + query.str() + ", " +
                value.str() + " and " + key.str());
  }
  axes_ = options_.attention_axes;
  for (int& axis : axes_) axis = axis < 0 ? axis + rank : axis;
  if (axes_.empty()) {
    for (int axis = 1; axis < rank - 1; ++axis) axes_.push_back(axis);
  }
  for (const int axis : axes_) {
    if (axis < 1 || axis >= rank - 1) {
      throw Error(label() + ": attention_axes must lie between batch and features, got " +
                  Config(options_.attention_axes).json());
    }
  }
  const int value_dim = options_.value_dim.value_or(options_.key_dim);
  const auto free = static_cast<std::size_t>(rank - 1);
  const std::string outer = letters.substr(0, free), heads = letters.substr(free + 1, 2);
  const char features = letters[free];
  const auto projected = [&](const Shape& input, int dim, const std::string& name, const std::string& attribute,
                             const ActivationRef& activation = {}) {
    Shape output(std::vector<std::int64_t>(free - 1, None));
    output.push_back(options_.num_heads);
    output.push_back(dim);
    return project(outer + features + "," + features + heads + "->" + outer + heads, input, output,
                   attention::projection_options(options_, name, heads, activation), attribute);
  };
  query_ = projected(query, options_.key_dim, "query", "query_dense");
  key_ = projected(key, options_.key_dim, "key", "key_dense");
  if (options_.use_gate) gate_ = projected(query, value_dim, "gate", "_gate_dense", "sigmoid");
  value_ = projected(value, value_dim, "value", "value_dense");
  const Shape last = options_.output_shape.empty() ? Shape{query.back()} : options_.output_shape;
  const std::string results = letters.substr(free + 2, last.size()), summed = letters.substr(free, 2);
  Shape attended = query, output(std::vector<std::int64_t>(free - 1, None));
  attended.back() = options_.num_heads;
  attended.push_back(value_dim);
  for (const std::int64_t size : last) output.push_back(size);
  output_ = project(outer + summed + "," + summed + results + "->" + outer + results, attended, output,
                    attention::projection_options(options_, "attention_output", results), "output_dense");
}

Tensors MultiHeadAttention::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor &query = inputs[0], &value = inputs[1], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  const bool wants_scores = attention::flag(context, "return_attention_scores");
  const CallContext plain{.training = context.training};
  const auto unmasked = [](const Tensor& x) { return x.with_mask({}); };
  const Tensor q_spread = Tensor(query_->outputs(unmasked(query), plain));
  const Tensor q = fold(q_spread, axes_);
  const Tensor k_spread = Tensor(key_->outputs(unmasked(key), plain));
  const Tensor k = fold(k_spread, axes_);
  const Tensor v = fold(Tensor(value_->outputs(unmasked(value), plain)), axes_);
  // Where several axes are attended to, causality is that of the first alone, and so a mask.
  const bool causal = attention::flag(context, "use_causal_mask");
  const bool plainly = q.shape()[1] == query.shape()[1] && k.shape()[1] == value.shape()[1];
  Tensor mask = attention::joined_mask(inputs, context, options_.sliding_window, causal && !plainly);
  if (mask.defined() && query.rank() > 3 && mask.shape()[0] != 1 && mask.shape()[0] != q.shape()[0]) {
    mask = repeat(mask, q.shape()[0] / mask.shape()[0], 0);
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(options_.key_dim));
  auto [attended, scores] = attention::attend(
      q, k, v, mask, {scale, options_.dropout, context.training, wants_scores, causal && plainly}, seed_);
  attended = unfold(attended, q_spread.shape(), axes_);
  if (options_.use_gate) attended = attended * Tensor(gate_->outputs(unmasked(query), plain));
  Tensors outputs{Tensor(output_->outputs(attended, plain))};
  if (wants_scores) outputs.push_back(spread_scores(scores, q_spread.shape(), k_spread.shape(), axes_));
  return outputs;
}

Shape MultiHeadAttention::scores_shape(const std::vector<Shape>& inputs) const {
  const Shape &query = inputs[0], &key = inputs.size() > 2 ? inputs[2] : inputs[1];
  Shape scores{query[0]};
  for (int axis = 1; axis < query.rank() - 1; ++axis) {
    if (std::find(axes_.begin(), axes_.end(), axis) == axes_.end()) scores.push_back(query.at(axis));
  }
  scores.push_back(options_.num_heads);
  for (const Shape& side : {query, key}) {
    for (const int axis : axes_) scores.push_back(side.at(axis));
  }
  return scores;
}

Shape MultiHeadAttention::result_shape(const std::vector<Shape>& inputs) const {
  if (options_.output_shape.empty()) return inputs[0];
  Shape output(inputs[0].begin(), inputs[0].end() - 1);
  for (const std::int64_t size : options_.output_shape) output.push_back(size);
  return output;
}

Config MultiHeadAttention::config() const {
  Config config = base_config();
  config["num_heads"] = options_.num_heads;
  config["key_dim"] = options_.key_dim;
  config["value_dim"] = options_.value_dim.value_or(options_.key_dim);
  config["dropout"] = options_.dropout;
  config["use_bias"] = options_.use_bias;
  config["use_gate"] = options_.use_gate;
  config["output_shape"] = options_.output_shape.empty() ? Config() : Config(options_.output_shape);
  const std::vector<int>& axes = built() ? axes_ : options_.attention_axes;
  config["attention_axes"] = axes.empty() ? Config() : Config(axes);
  config["sliding_window"] = options_.sliding_window;
  if (keeps_masks_) config["nyala_keeps_masks"] = true;
  attention::write_options(config, options_);
  return config;
}

}  // namespace nyala
