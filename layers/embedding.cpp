#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/embedding.hpp>
#include <nyala/regularizer.hpp>

namespace nyala {

namespace {

Tensor rows_of(const Tensor& table, const Tensor& indices, std::int64_t input_dim) {
  try {
    return gather(table, indices);
  } catch (const Error& error) {
    throw Error(std::string(error.what()) + " (input_dim is " + std::to_string(input_dim) + ")");
  }
}

}  // namespace

Embedding::Embedding(int input_dim, int output_dim, EmbeddingOptions options)
    : LayerOf(options),
      WithLora("Embedding", options.lora_rank, options.lora_alpha, !options.embeddings_constraint.is_none()),
      input_dim_(input_dim),
      output_dim_(output_dim),
      options_(options) {
  if (input_dim < 1) throw Error("Embedding: input_dim must be positive, got " + std::to_string(input_dim));
  if (output_dim < 1) throw Error("Embedding: output_dim must be positive, got " + std::to_string(output_dim));
}

Embedding Embedding::from_config(const Config& config) {
  return Embedding(
      config.at("input_dim").as_int(), config.at("output_dim").as_int(),
      with_base(
          EmbeddingOptions{
              .embeddings_initializer = initializer_from_config(config, "embeddings_initializer", "uniform"),
              .embeddings_regularizer = regularizer_from_config(config.get("embeddings_regularizer")),
              .embeddings_constraint = constraint_from_config(config.get("embeddings_constraint")),
              .mask_zero = config.get("mask_zero", false),
              .lora_rank = config.optional_int("lora_rank"),
              .lora_alpha = config.optional_int("lora_alpha")},
          config));
}

void Embedding::build(const Shape&) {
  kernel_ = add_weight("embeddings", {input_dim_, output_dim_}, options_.embeddings_initializer,
                       {.regularizer = options_.embeddings_regularizer,
                        .constraint = options_.embeddings_constraint,
                        .autocast = false});
  make_lora();
}

void Embedding::make_lora() {
  add_lora(
      [this](const std::string& name, const Shape& shape, const InitializerRef& initial) {
        return this->add_weight(name, shape, initial,
                                {.dtype = DType::float32, .regularizer = options_.embeddings_regularizer});
      },
      "lora_embeddings");
}

void Embedding::enable_lora(int rank, std::optional<int> lora_alpha) {
  ask_for_lora(label(), built(), rank, lora_alpha, !options_.embeddings_constraint.is_none());
  make_lora();
}

Tensor Embedding::forward(const Tensor& x, bool) {
  const Tensor indices = is_integer(x.dtype()) ? x : cast(x, DType::int32);
  // Under a mixed policy the rows that are taken are cast, not the whole table; the numbers are the same.
  Tensor vectors = cast(rows_of(kernel_, indices, input_dim_), compute_dtype());
  if (lora_.enabled()) {
    vectors = vectors + cast(matmul(gather(lora_.a, indices), Tensor(lora_.b)) * lora_.scale(), compute_dtype());
  }
  return options_.mask_zero ? vectors.with_mask(not_equal(indices, 0)) : vectors;
}

std::vector<Tensor> Embedding::compute_masks(const Tensors& inputs, const std::vector<Tensor>&) const {
  if (!options_.mask_zero) return {};
  return {not_equal(inputs.only(), 0)};
}

Shape Embedding::compute_output_shape(const Shape& input) const {
  Shape output = input;
  output.push_back(output_dim_);
  return output;
}

Config Embedding::config() const {
  Config config = base_config();
  config["input_dim"] = input_dim_;
  config["output_dim"] = output_dim_;
  config["embeddings_initializer"] = to_config(options_.embeddings_initializer);
  config["embeddings_regularizer"] = to_config(options_.embeddings_regularizer);
  if (!config.contains("activity_regularizer")) config["activity_regularizer"] = Config();
  config["embeddings_constraint"] = to_config(options_.embeddings_constraint);
  config["mask_zero"] = options_.mask_zero;
  config["quantization_config"] = Config();
  lora_.write(config);
  return config;
}

}  // namespace nyala
