#pragma once

#include <nyala/layer.hpp>
#include <nyala/layers/lora.hpp>

namespace nyala {

struct EmbeddingOptions {
  InitializerRef embeddings_initializer = "uniform";
  RegularizerRef embeddings_regularizer = {};
  ConstraintRef embeddings_constraint = {};
  bool mask_zero = false;
  /// Asks for an adapter when the layer is built (enable_lora).
  std::optional<int> lora_rank = {}, lora_alpha = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One learnt vector per whole number in [0, input_dim): (…) -> (…, output_dim). With mask_zero, 0 is masked. A number
/// out of range is an Error. https://keras.io/api/layers/core_layers/embedding/
class Embedding : public LayerOf<Embedding>, public WithLora {
 public:
  Embedding(int input_dim, int output_dim, EmbeddingOptions options = {});
  static Embedding from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Embedding"; }
  bool autocasts() const override { return false; }  // a mixed policy would round the numbers of rows
  Config config() const override;
  /// An adapter of that rank beside the kernel, which no longer learns itself; files get the sum. Before compile. Error
  /// if the layer is not built yet. Keras' Layer.enable_lora.
  void enable_lora(int rank, std::optional<int> lora_alpha = {});

 private:
  void make_lora();

  int input_dim_, output_dim_;
  EmbeddingOptions options_;
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
  KerasForm keras_form() const override { return {.built_when_made = true}; }
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
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
};

}  // namespace nyala
