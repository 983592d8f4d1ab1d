#pragma once

#include <nyala/layer.hpp>
#include <nyala/layers/lora.hpp>
#include <nyala/random.hpp>

namespace nyala {

struct EinsumDenseOptions {
  ActivationRef activation = {};
  /// Labels of the output that have a bias of their own; empty: no bias.
  std::string bias_axes = {};
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  /// Asks for an adapter when the layer is built (enable_lora).
  std::optional<int> lora_rank = {}, lora_alpha = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// activation(einsum(equation, x, kernel) + bias); "abc,cd->abd" is Dense. output_shape: the sizes without the batch
/// axis, None where the input's is kept. https://keras.io/api/layers/core_layers/einsum_dense/
class EinsumDense : public LayerOf<EinsumDense>, public WithLora {
 public:
  EinsumDense(const std::string& equation, const Shape& output_shape, EinsumDenseOptions options = {});
  static EinsumDense from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "EinsumDense"; }
  Config config() const override;
  /// An adapter of that rank beside the kernel, which no longer learns itself; files get the sum. Before compile. Error
  /// if the layer is not built yet. Keras' Layer.enable_lora.
  void enable_lora(int rank, std::optional<int> lora_alpha = {});

 private:
  struct Shapes {
    Shape kernel, bias, output;
  };
  Shapes shapes_for(const Shape& input) const;
  void make_lora();

  std::string equation_;
  Shape output_shape_;
  EinsumDenseOptions options_;
  ActivationFunction activation_;
  int contracted_ = 0;  // last axes of the input that are summed with the first of the kernel; 0: the general case
};

/// What the attention layers share: inputs {query, value} or {query, value, key}, of which the query's mask goes on,
/// and outputs {result} or, with the call argument return_attention_scores, {result, scores}.
class AttentionLayer : public Layer {
 public:
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Shape> compute_output_shapes_with(const std::vector<Shape>& inputs,
                                                const CallContext& context) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }

 protected:
  using Layer::Layer;
  virtual Shape result_shape(const std::vector<Shape>& inputs) const = 0;
  virtual Shape scores_shape(const std::vector<Shape>& inputs) const = 0;
  /// Error unless there are two or three.
  void check_inputs(const std::vector<Shape>& inputs) const;
  /// An EinsumDense of this layer's dtype, built for `input`; `attribute` is what files call it.
  LayerRef project(const std::string& equation, const Shape& input, const Shape& output, EinsumDenseOptions options,
                   const std::string& attribute);

  SeedGenerator seed_{std::uint64_t{0}};  // the layers set it, by their option
};

struct AttentionOptions {
  bool use_scale = false;
  std::string score_mode = "dot";
  double dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Luong's attention over {query, value} or {query, value, key}: softmax(scores) · value; score_mode "dot" or "concat".
/// Call arguments: use_causal_mask, return_attention_scores. https://keras.io/api/layers/attention_layers/attention/
class Attention : public LayerOf<Attention, AttentionLayer> {
 public:
  explicit Attention(AttentionOptions options = {});
  static Attention from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::string class_name() const override { return "Attention"; }
  KerasForm keras_form() const override { return {.others = "mask training", .always_listed = true}; }
  Config config() const override;

 private:
  Shape result_shape(const std::vector<Shape>& inputs) const override;
  Shape scores_shape(const std::vector<Shape>& inputs) const override;

  AttentionOptions options_;
  Variable scale_, concat_score_weight_;
};

struct AdditiveAttentionOptions {
  bool use_scale = true;
  double dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Bahdanau's attention: scores sum(scale * tanh(query + key)).
/// https://keras.io/api/layers/attention_layers/additive_attention/
class AdditiveAttention : public LayerOf<AdditiveAttention, AttentionLayer> {
 public:
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});
  static AdditiveAttention from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::string class_name() const override { return "AdditiveAttention"; }
  KerasForm keras_form() const override { return {.others = "mask training", .always_listed = true}; }
  Config config() const override;

 private:
  Shape result_shape(const std::vector<Shape>& inputs) const override;
  Shape scores_shape(const std::vector<Shape>& inputs) const override;

  AdditiveAttentionOptions options_;
  Variable scale_;
};

struct MultiHeadAttentionOptions {
  int num_heads = 0, key_dim = 0;
  std::optional<int> value_dim = {};  // default: key_dim
  double dropout = 0.0;
  bool use_bias = true;
  Shape output_shape = {};               // default: the query's features
  std::vector<int> attention_axes = {};  // default: all but batch and features
  std::optional<int> sliding_window = {};
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  bool use_gate = false;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Attention of several heads over {query, value} or {query, value, key}. Vaswani et al. 2017. Masks of the inputs,
/// attention_mask (a tensor argument of the call) and the call arguments use_causal_mask and return_attention_scores
/// are Keras'. As in Keras since 3.8, the masks of its inputs end with it: the sum of a residual block has none, and
/// the loss after it counts every step. https://keras.io/api/layers/attention_layers/multi_head_attention/
class MultiHeadAttention : public LayerOf<MultiHeadAttention, AttentionLayer> {
 public:
  explicit MultiHeadAttention(MultiHeadAttentionOptions options);
  static MultiHeadAttention from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::string class_name() const override { return "MultiHeadAttention"; }
  KerasForm keras_form() const override {
    return {.inputs = "query value key", .others = "query_mask value_mask key_mask attention_mask"};
  }
  Config config() const override;
  bool ends_mask(std::size_t) const override { return !keeps_masks_; }

 private:
  Shape result_shape(const std::vector<Shape>& inputs) const override;
  Shape scores_shape(const std::vector<Shape>& inputs) const override;

  MultiHeadAttentionOptions options_;
  std::vector<int> axes_;
  LayerRef query_, key_, value_, output_, gate_;
  bool keeps_masks_ = false;  // of Keras before 3.8
};

struct GroupQueryAttentionOptions {
  int head_dim, num_query_heads, num_key_value_heads;
  double dropout = 0.0;
  bool use_bias = true;
  std::optional<int> sliding_window = {};
  InitializerRef kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, bias_constraint = {};
  bool use_gate = false;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Attention whose queries have several heads for each head of keys and values; called with {query, value} or {query,
/// value, key} of shape (batch, time, features); call arguments as for MultiHeadAttention. Ainslie et al. 2023.
/// https://keras.io/api/layers/attention_layers/group_query_attention/
class GroupQueryAttention : public LayerOf<GroupQueryAttention, AttentionLayer> {
 public:
  explicit GroupQueryAttention(GroupQueryAttentionOptions options);
  static GroupQueryAttention from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::string class_name() const override { return "GroupQueryAttention"; }
  KerasForm keras_form() const override {
    return {.inputs = "query value key", .others = "query_mask value_mask key_mask attention_mask"};
  }
  Config config() const override;

 private:
  Shape result_shape(const std::vector<Shape>& inputs) const override;
  Shape scores_shape(const std::vector<Shape>& inputs) const override;

  GroupQueryAttentionOptions options_;
  LayerRef query_, key_, gate_, value_, output_;
};

}  // namespace nyala
