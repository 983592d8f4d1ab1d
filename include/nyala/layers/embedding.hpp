#pragma once

#include <nyala/layer.hpp>

namespace nyala {

struct EmbeddingOptions {
  InitializerRef embeddings_initializer = "uniform";
  RegularizerRef embeddings_regularizer = {};
  ConstraintRef embeddings_constraint = {};
  bool mask_zero = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One learnt vector per whole number in [0, input_dim): (…) -> (…, output_dim). With mask_zero, 0 is masked. A number
/// out of range is an Error. https://keras.io/api/layers/core_layers/embedding/
class Embedding : public LayerOf<Embedding> {
 public:
  Embedding(int input_dim, int output_dim, EmbeddingOptions options = {});
  static Embedding from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Embedding"; }
  Config config() const override;

 private:
  int input_dim_, output_dim_;
  EmbeddingOptions options_;
  Variable embeddings_;
};

struct ReversibleEmbeddingOptions {
  bool tie_weights = true;
  InitializerRef embeddings_initializer = "uniform";
  RegularizerRef embeddings_regularizer = {};
  ConstraintRef embeddings_constraint = {};
  bool mask_zero = false;
  /// What the way back computes in; left out: the layer's compute dtype.
  std::optional<DType> reverse_dtype = {};
  std::optional<double> logit_soft_cap = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// An Embedding that also leads back: called with the argument {"reverse": true} it takes (…, output_dim) to logits
/// (…, input_dim), by the transposed embeddings or (tie_weights false) by a matrix of its own.
/// https://keras.io/api/layers/core_layers/reversible_embedding/
class ReversibleEmbedding : public LayerOf<ReversibleEmbedding> {
 public:
  ReversibleEmbedding(int input_dim, int output_dim, ReversibleEmbeddingOptions options = {});
  static ReversibleEmbedding from_config(const Config& config);

  void build(const Shape& input) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Shape> compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                const CallContext& context) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "ReversibleEmbedding"; }
  Config config() const override;

 private:
  int input_dim_, output_dim_;
  ReversibleEmbeddingOptions options_;
  Variable embeddings_, reverse_embeddings_;
};

/// Masks the steps (batch, time, features) whose features all equal mask_value, and zeroes them.
/// https://keras.io/api/layers/core_layers/masking/
class Masking : public LayerOf<Masking> {
 public:
  explicit Masking(double mask_value = 0.0, BaseOptions options = {});
  static Masking from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Masking"; }
  Config config() const override;

 private:
  double mask_value_;
};

/// Its input. https://keras.io/api/layers/core_layers/identity/
class Identity : public LayerOf<Identity> {
 public:
  explicit Identity(BaseOptions options = {});
  static Identity from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Identity"; }
  Config config() const override;

 private:
};

}  // namespace nyala
