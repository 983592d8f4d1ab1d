#include <nyala/error.hpp>
#include <nyala/layers/categories.hpp>

#include "category_support.hpp"

namespace nyala {

CategoryEncoding::CategoryEncoding(int num_tokens, CategoryEncodingOptions options)
    : LayerOf(options), num_tokens_(num_tokens), options_(std::move(options)) {
  options_.output_mode =
      category::output_mode(options_.output_mode, {"one_hot", "multi_hot", "count"}, "CategoryEncoding");
  if (num_tokens < 1) throw Error("CategoryEncoding: num_tokens must be positive, got " + std::to_string(num_tokens));
}

CategoryEncoding CategoryEncoding::from_config(const Config& config) {
  return CategoryEncoding(
      config.at("num_tokens").as_int(),
      with_base(CategoryEncodingOptions{.output_mode = config.get("output_mode", "multi_hot")}, config));
}

Tensors CategoryEncoding::call_with(const Tensors& inputs, const CallContext& context) {
  Tensor weights;
  const auto given = context.tensors.find("count_weights");
  if (given != context.tensors.end()) weights = given->second;
  if (inputs.size() > 1) weights = inputs[1];
  if (inputs.size() > 2)
    throw Error(label() + " takes class numbers and weights, got " + std::to_string(inputs.size()) + " inputs");
  if (weights.defined()) {
    if (options_.output_mode != "count") {
      throw Error(label() + ": count_weights go with output_mode \"count\", it is \"" + options_.output_mode + "\"");
    }
    if (weights.shape() != inputs[0].shape()) {
      throw Error(label() + ": count_weights must have the shape " + inputs[0].shape().str() + ", got " +
                  weights.shape().str());
    }
  }
  return category::encoded(inputs[0], options_.output_mode, num_tokens_, compute_dtype(), weights);
}

Shape CategoryEncoding::compute_output_shape(const Shape& input) const {
  return category::encoded_shape(input, options_.output_mode, num_tokens_);
}

std::vector<Shape> CategoryEncoding::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {compute_output_shape(inputs.front())};
}

Config CategoryEncoding::config() const {
  Config config = base_config();
  config["num_tokens"] = num_tokens_;
  config["output_mode"] = options_.output_mode;
  return config;
}

}  // namespace nyala
