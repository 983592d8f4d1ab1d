#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/embedding.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

namespace {

bool reversed(const CallContext& context) {
  return context.arguments.is_object() && context.arguments.get("reverse", false);
}

}  // namespace

ReversibleEmbedding::ReversibleEmbedding(int input_dim, int output_dim, ReversibleEmbeddingOptions options)
    : LayerOf(options), input_dim_(input_dim), output_dim_(output_dim), options_(options) {
  if (input_dim < 1) throw Error("ReversibleEmbedding: input_dim must be positive, got " + std::to_string(input_dim));
  if (output_dim < 1) {
    throw Error("ReversibleEmbedding: output_dim must be positive, got " + std::to_string(output_dim));
  }
  if (options.reverse_dtype && !is_floating(*options.reverse_dtype)) {
    throw Error(std::string("ReversibleEmbedding: reverse_dtype must be floating, got ") +
                name_of(*options.reverse_dtype));
  }
}

ReversibleEmbedding ReversibleEmbedding::from_config(const Config& config) {
  ReversibleEmbeddingOptions options{
      .tie_weights = config.get("tie_weights", true),
      .embeddings_initializer = initializer_from_config(config, "embeddings_initializer", "uniform"),
      .embeddings_regularizer = regularizer_from_config(config.get("embeddings_regularizer")),
      .embeddings_constraint = constraint_from_config(config.get("embeddings_constraint")),
      .mask_zero = config.get("mask_zero", false),
      .logit_soft_cap = config.optional_double("logit_soft_cap")};
  if (config.get("reverse_dtype").is_string()) {
    options.reverse_dtype = dtype_from_name(config.at("reverse_dtype").as_string());
  }
  return ReversibleEmbedding(config.at("input_dim").as_int(), config.at("output_dim").as_int(),
                             with_base(options, config));
}

void ReversibleEmbedding::build(const Shape&) {
  embeddings_ =
      add_weight("embeddings", {input_dim_, output_dim_}, options_.embeddings_initializer,
                 {.regularizer = options_.embeddings_regularizer, .constraint = options_.embeddings_constraint});
  if (options_.tie_weights) return;
  reverse_embeddings_ = add_weight("reverse_embeddings", {output_dim_, input_dim_}, options_.embeddings_initializer);
}

Tensors ReversibleEmbedding::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  if (!reversed(context)) {
    const Tensor indices = is_integer(x.dtype()) ? x : cast(x, DType::int32);
    const Tensor vectors = gather(embeddings_, indices);
    return options_.mask_zero ? vectors.with_mask(not_equal(indices, 0)) : vectors;
  }
  const DType dtype = options_.reverse_dtype.value_or(x.dtype());
  const Tensor kernel = options_.tie_weights ? Tensor(embeddings_) : Tensor(reverse_embeddings_);
  const Tensor logits = matmul(cast(x, dtype), cast(kernel, dtype), false, options_.tie_weights);
  if (!options_.logit_soft_cap) return logits;
  return tanh(logits / *options_.logit_soft_cap) * *options_.logit_soft_cap;
}

std::vector<Shape> ReversibleEmbedding::compute_output_shapes(const std::vector<Shape>& inputs) const {
  Shape output = inputs.front();
  output.push_back(output_dim_);
  return {output};
}

std::vector<Shape> ReversibleEmbedding::compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                                   const CallContext& context) const {
  if (!reversed(context)) return compute_output_shapes(inputs);
  Shape output = inputs.front();
  output.back() = input_dim_;
  return {output};
}

std::vector<Tensor> ReversibleEmbedding::compute_masks(const Tensors&, const std::vector<Tensor>&) const { return {}; }

Config ReversibleEmbedding::config() const {
  Config config = base_config();
  config["input_dim"] = input_dim_;
  config["output_dim"] = output_dim_;
  config["embeddings_initializer"] = to_config(options_.embeddings_initializer);
  config["embeddings_regularizer"] = to_config(options_.embeddings_regularizer);
  if (!config.contains("activity_regularizer")) config["activity_regularizer"] = Config();
  config["embeddings_constraint"] = to_config(options_.embeddings_constraint);
  config["mask_zero"] = options_.mask_zero;
  config["quantization_config"] = Config();
  config["tie_weights"] = options_.tie_weights;
  config["reverse_dtype"] = options_.reverse_dtype ? Config(name_of(*options_.reverse_dtype)) : Config();
  config["logit_soft_cap"] = options_.logit_soft_cap;
  return config;
}

}  // namespace nyala
