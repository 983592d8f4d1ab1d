#include "attention_support.hpp"

#include <nyala/layers/quantized.hpp>
#include <nyala/ops.hpp>

namespace nyala {

void attention::check_key(const std::string& label, const Shape& value, const Shape& key) {
  bool agree = value.rank() == key.rank();
  for (int axis = 0; agree && axis + 1 < value.rank(); ++axis)
    agree = value.at(axis) == key.at(axis) || value.at(axis) == None || key.at(axis) == None;
  if (!agree)
    throw Error(label + ": value and key must agree on every axis but the last, got " + value.str() + " and " +
                key.str());
}

void attention::check_features(const std::string& label, const Shape& query, const Shape& key) {
  const auto open = [](std::int64_t size) { return size == None || size == 1; };
  if (query.back() != key.back() && !open(query.back()) && !open(key.back()))
    throw Error(label + ": query and key must have as many features, got " + query.str() + " and " + key.str());
}

void AttentionLayer::check_inputs(const std::vector<Shape>& inputs) const {
  if (inputs.size() != 2 && inputs.size() != 3)
    throw Error(label() + " takes {query, value} or {query, value, key}, got " + std::to_string(inputs.size()) +
                " inputs");
  attention::check_key(label(), inputs[1], inputs.back());
}

std::vector<Shape> AttentionLayer::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return compute_output_shapes_with(inputs, {});
}

std::vector<Shape> AttentionLayer::compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                              const CallContext& context) const {
  check_inputs(inputs);
  std::vector<Shape> shapes{result_shape(inputs)};
  if (attention::flag(context, "return_attention_scores")) shapes.push_back(scores_shape(inputs));
  return shapes;
}

std::vector<Tensor> AttentionLayer::compute_masks(const Tensors&, const std::vector<Tensor>& masks) const {
  return masks.empty() ? std::vector<Tensor>() : std::vector<Tensor>{masks.front()};
}

LayerRef AttentionLayer::project(const std::string& equation, const Shape& input, const Shape& output,
                                 EinsumDenseOptions options, const std::string& attribute) {
  options.trainable = trainable();
  options.dtype = dtype_policy();
  const DTypePolicy own = dtype_policy().of_layer(options.name);
  LayerRef layer = EinsumDense(equation, output, std::move(options));
  if (!own.quantization().empty()) {
    Config config = layer->config();
    config["dtype"] = own.name();
    config["quantization_policy"] = Config::parse(own.quantization());
    layer = quantized_layer("EinsumDense", config);
  }
  track(layer, attribute);
  layer->build_now({input});
  return layer;
}

namespace attention {

void check_dropout(double rate, const std::string& layer) {
  if (!(rate >= 0.0 && rate <= 1.0)) {
    throw Error(layer + ": dropout must lie in [0, 1], got " + std::to_string(rate));
  }
}

Attended attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, const Manner& manner,
                SeedGenerator& seed) {
  if (!manner.wants_scores && manner.dropout == 0.0) {
    return {dot_product_attention(query, key, value, {}, mask, manner.scale, manner.causal), {}};
  }
  const AttentionWeights how{manner.scale, manner.training ? manner.dropout : 0.0, &seed, manner.causal};
  if (manner.wants_scores) return attend_with_weights(query, key, value, mask, how);
  return {nyala::attend(query, key, value, mask, how), {}};
}

bool flag(const CallContext& context, const char* name) {
  if (!context.arguments.is_object()) return false;
  const Config& value = context.arguments.get(name);
  return value.is_bool() ? value.as_bool() : value.is_number() && value.as_double() != 0.0;
}

Tensor causal_mask(std::int64_t rows, std::int64_t columns) {
  return expand_dims(cast(tri(rows, columns, 0, DType::float32), DType::boolean), 0);
}

Tensor joined_mask(const Tensors& inputs, const CallContext& context, const std::optional<int>& sliding_window,
                   bool causal) {
  const auto mask_of = [&](std::size_t i, const char* name) {
    const auto given = context.tensors.find(name);
    if (given != context.tensors.end()) return cast(given->second, DType::boolean);
    return i < context.masks.size() ? context.masks[i] : Tensor();
  };
  Tensor joined;
  const auto join = [&](const Tensor& mask) {
    if (mask.defined()) joined = joined.defined() ? logical_and(joined, mask) : mask;
  };
  const Tensor query = mask_of(0, "query_mask"), value = mask_of(1, "value_mask"), key = mask_of(2, "key_mask");
  if (query.defined()) join(expand_dims(query, -1));
  if (value.defined()) join(expand_dims(value, -2));
  if (key.defined()) join(expand_dims(key, -2));
  const std::int64_t rows = inputs[0].shape()[1], columns = inputs[1].shape()[1];
  if (causal) join(causal_mask(rows, columns));
  if (sliding_window) {
    const Tensor distance = abs(expand_dims(arange(rows), -1) - expand_dims(arange(columns), 0));
    join(expand_dims(less(distance, *sliding_window), 0));
  }
  const auto given = context.tensors.find("attention_mask");
  if (given != context.tensors.end()) join(cast(given->second, DType::boolean));
  if (joined.defined() && joined.rank() == 2) joined = expand_dims(joined, 0);
  if (joined.defined() && joined.rank() == 3) joined = expand_dims(joined, 1);
  return joined;
}

}  // namespace attention

}  // namespace nyala
