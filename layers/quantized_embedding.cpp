#include <nyala/layers/embedding.hpp>
#include <nyala/ops.hpp>
#include <nyala/regularizer.hpp>

#include "quantized_support.hpp"

namespace nyala::quantization {

namespace {

/// Embedding, or ReversibleEmbedding.
class QuantizedEmbedding : public LayerOf<QuantizedEmbedding>, public Quantized {
 public:
  QuantizedEmbedding(const std::string& class_name, const Config& config, const EmbeddingOptions& options)
      : LayerOf(options),
        Quantized(config),
        class_name_(class_name),
        given_(config),
        options_(options),
        reversible_(class_name == "ReversibleEmbedding") {
    if (scheme_.mode != Mode::int8 && scheme_.mode != Mode::int4)
      throw Error(class_name + ": a quantized table is int8 or int4");
    if (!reversible_) return;
    quantizer_ = quantization_.is_object() ? input_quantizer_of(quantization_, scheme_.mode) : InputQuantizer();
    tied_ = config.get("tie_weights", true);
    soft_cap_ = config.optional_double("logit_soft_cap");
  }

  void build(const Shape&) override {
    const std::int64_t rows = given_.at("input_dim").as_int();
    columns_ = given_.at("output_dim").as_int();
    const auto add = [this](const char* name, const Shape& shape, const char* initial, std::optional<DType> dtype) {
      stored_.push_back(add_weight(name, shape, initial, {.trainable = false, .dtype = dtype, .autocast = false}));
      return stored_.back();
    };
    const bool packed = scheme_.mode == Mode::int4;
    table_ = add("embeddings", {rows, packed ? (columns_ + 1) / 2 : columns_}, "zeros", DType::int8);
    const Shape scale = scheme_.group ? Shape{rows, scheme_.groups(columns_)} : Shape{rows};
    scale_ = add("embeddings_scale", scale, "ones", {});
    if (scheme_.group) {
      zero_ = add("embeddings_zero", scale, "zeros", DType::int8);
      places_ = add("g_idx", {columns_}, "zeros", DType::float32);
    }
    if (!tied_) {
      back_ = add("reverse_embeddings", {packed ? (columns_ + 1) / 2 : columns_, rows}, "zeros", DType::int8);
      const Shape back_scale = scheme_.group ? Shape{scheme_.groups(columns_), rows} : Shape{rows};
      back_scale_ = add("reverse_embeddings_scale", back_scale, "ones", {});
      if (scheme_.group) back_zero_ = add("reverse_embeddings_zero", back_scale, "zeros", {});
    }
    if (lora_.rank) {
      const WeightOptions options{.dtype = DType::float32, .regularizer = options_.embeddings_regularizer};
      lora_.a = add_weight("lora_embeddings_a", {rows, *lora_.rank}, "he_uniform", options);
      lora_.b = add_weight("lora_embeddings_b", {*lora_.rank, columns_}, "zeros", options);
    }
  }

  Tensors call_with(const Tensors& inputs, const CallContext& context) override {
    const Tensor& x = inputs.only();
    return reversed(context) ? logits(x) : vectors(x);
  }

  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override {
    Shape output = inputs.front();
    output.push_back(given_.at("output_dim").as_int());
    return {output};
  }
  std::vector<Shape> compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                const CallContext& context) const override {
    if (!reversed(context)) return compute_output_shapes(inputs);
    Shape output = inputs.front();
    output.back() = given_.at("input_dim").as_int();
    return {output};
  }
  /// Keras' quantized call of a ReversibleEmbedding makes no mask.
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>&) const override {
    if (!options_.mask_zero || reversible_) return {};
    return {not_equal(inputs.only(), 0)};
  }
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return class_name_; }
  bool autocasts() const override { return reversible_; }
  Config config() const override {
    Config config =
        reversible_ ? ReversibleEmbedding::from_config(given_).config() : Embedding::from_config(given_).config();
    config["name"] = name();
    config["trainable"] = trainable();
    return described(config);
  }

 private:
  bool reversed(const CallContext& context) const {
    return reversible_ && context.arguments.is_object() && context.arguments.get("reverse", false);
  }

  Tensor vectors(const Tensor& x) const {
    const Tensor indices = is_integer(x.dtype()) ? x : cast(x, DType::int32);
    Tensor values = gather(table_.value(), indices);
    if (scheme_.mode == Mode::int4) values = unpacked(values, -1, columns_, true);
    values = cast(values, compute_dtype());
    const Tensor scale = cast(gather(scale_.value(), indices), compute_dtype());
    if (scheme_.group)
      values = from_groups(values, scale, gather(zero_.value(), indices), places_.value(), -1);
    else
      values = values / expand_dims(scale, -1);
    if (lora_.enabled())
      values = values + cast(matmul(gather(lora_.a, indices), Tensor(lora_.b)) * lora_.scale(), values.dtype());
    return options_.mask_zero && !reversible_ ? values.with_mask(not_equal(indices, 0)) : values;
  }

  Tensor logits(const Tensor& x) const {
    const DType dtype = compute_dtype();
    const Tensor stored = tied_ ? table_.value() : back_.value();
    // The axis of output_dim, along which numbers are packed and grouped.
    const int axis = tied_ ? -1 : 0;
    Tensor kernel = cast(scheme_.mode == Mode::int4 ? unpacked(stored, axis, columns_, true) : stored, dtype);
    const Tensor scale = cast(tied_ ? scale_.value() : back_scale_.value(), dtype);
    if (scheme_.group)
      kernel = from_groups(kernel, scale, tied_ ? zero_.value() : back_zero_.value(), places_.value(), axis);
    Tensor product;
    if (quantizer_) {
      const auto quantized = (*quantizer_)(x, -1);
      product = matmul(quantized.values, kernel, false, tied_);
      product = product / (scheme_.group ? quantized.scale : quantized.scale * scale);
    } else {
      product = matmul(x, kernel, false, tied_);
      if (!scheme_.group) product = product / scale;
    }
    return soft_cap_ ? tanh(product / *soft_cap_) * *soft_cap_ : product;
  }

  std::string class_name_;
  Config given_;
  EmbeddingOptions options_;
  bool reversible_ = false, tied_ = true;
  std::optional<double> soft_cap_;
  std::optional<InputQuantizer> quantizer_;
  std::int64_t columns_ = 0;
  Variable table_, scale_, zero_, places_, back_, back_scale_, back_zero_;
};

}  // namespace

LayerRef quantized_embedding(const std::string& class_name, const Config& config) {
  return LayerRef(QuantizedEmbedding(class_name, config,
                                     with_base(EmbeddingOptions{.embeddings_regularizer = regularizer_from_config(
                                                                    config.get("embeddings_regularizer")),
                                                                .mask_zero = config.get("mask_zero", false)},
                                               config)));
}

}  // namespace nyala::quantization
