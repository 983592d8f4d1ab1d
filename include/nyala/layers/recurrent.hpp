#pragma once

#include <nyala/layers/recurrent_layer.hpp>

namespace nyala {

struct SimpleRNNCellOptions {
  ActivationRef activation = "tanh";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One step of SimpleRNN. https://keras.io/api/layers/recurrent_layers/simple_rnn/
class SimpleRNNCell : public detail::UnitsCell<SimpleRNNCell, SimpleRNNCellOptions> {
 public:
  explicit SimpleRNNCell(int units, SimpleRNNCellOptions options = {});

  Tensors call(const Tensors& inputs, bool training) override;
  std::string class_name() const override { return "SimpleRNNCell"; }

 private:
  RnnResult run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                const RnnArguments& arguments) const override;
};

struct SimpleRNNOptions {
  ActivationRef activation = "tanh";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// h' = activation(x W + b + h U).
/// (batch, time, features) -> (batch, units), or (batch, time, units) with return_sequences; return_state adds the
/// states. https://keras.io/api/layers/recurrent_layers/simple_rnn/
class SimpleRNN : public detail::UnitsLayer<SimpleRNN, SimpleRNNCell, SimpleRNNOptions> {
 public:
  explicit SimpleRNN(int units, SimpleRNNOptions options = {}) : UnitsLayer(units, options, "simple_rnn_cell") {}
  std::string class_name() const override { return "SimpleRNN"; }
  Config config() const override;
};

struct LSTMCellOptions {
  ActivationRef activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  bool unit_forget_bias = true;
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One step of LSTM. https://keras.io/api/layers/recurrent_layers/lstm/
class LSTMCell : public detail::UnitsCell<LSTMCell, LSTMCellOptions> {
 public:
  explicit LSTMCell(int units, LSTMCellOptions options = {});

  Tensors call(const Tensors& inputs, bool training) override;
  std::string class_name() const override { return "LSTMCell"; }

 private:
  InitializerRef bias_initializer() const override;
  RnnResult run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                const RnnArguments& arguments) const override;
};

struct LSTMOptions {
  ActivationRef activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  bool unit_forget_bias = true;
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Long short-term memory, Hochreiter & Schmidhuber 1997; states h and c.
/// (batch, time, features) -> (batch, units), or (batch, time, units) with return_sequences; return_state adds the
/// states. https://keras.io/api/layers/recurrent_layers/lstm/
class LSTM : public detail::UnitsLayer<LSTM, LSTMCell, LSTMOptions> {
 public:
  explicit LSTM(int units, LSTMOptions options = {}) : UnitsLayer(units, options, "lstm_cell") {}
  std::string class_name() const override { return "LSTM"; }
};

struct GRUCellOptions {
  ActivationRef activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  bool reset_after = true;
  std::optional<std::int64_t> seed = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One step of GRU. https://keras.io/api/layers/recurrent_layers/gru/
class GRUCell : public detail::UnitsCell<GRUCell, GRUCellOptions> {
 public:
  explicit GRUCell(int units, GRUCellOptions options = {});

  Tensors call(const Tensors& inputs, bool training) override;
  std::string class_name() const override { return "GRUCell"; }

 private:
  Shape bias_shape() const override;
  RnnResult run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                const RnnArguments& arguments) const override;
};

struct GRUOptions {
  ActivationRef activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false,
       reset_after = true;
  bool zero_output_for_mask = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Gated recurrent unit, Cho et al. 2014; reset_after: the variant that cuDNN runs too.
/// (batch, time, features) -> (batch, units), or (batch, time, units) with return_sequences; return_state adds the
/// states. https://keras.io/api/layers/recurrent_layers/gru/
class GRU : public detail::UnitsLayer<GRU, GRUCell, GRUOptions> {
 public:
  explicit GRU(int units, GRUOptions options = {}) : UnitsLayer(units, options, "gru_cell") {}
  std::string class_name() const override { return "GRU"; }
};

struct BidirectionalOptions {
  /// "concat", "sum", "mul", "ave", or std::nullopt: both outputs by themselves.
  std::optional<std::string> merge_mode = "concat";
  LayerRef backward_layer = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// A recurrent layer run forwards, and a copy of it run backwards.
/// https://keras.io/api/layers/recurrent_layers/bidirectional/
class Bidirectional : public LayerOf<Bidirectional> {
 public:
  explicit Bidirectional(LayerRef layer, BidirectionalOptions options = {});
  static Bidirectional from_config(const Config& config);

  void build_all(const std::vector<Shape>& inputs) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "Bidirectional"; }
  KerasForm keras_form() const override { return {.inputs = "sequences", .others = "initial_state mask training"}; }
  Config config() const override;

 private:
  Bidirectional(LayerRef layer, BidirectionalOptions options, bool repeats_masked);

  LayerRef forward_, backward_;
  std::optional<std::string> merge_mode_;
  bool repeats_masked_ = false;  // a masked step's output is the one before it, as in Keras to 2.3
  bool return_sequences_ = false, return_state_ = false;
};

/// A layer applied to every step of (batch, time, …). https://keras.io/api/layers/recurrent_layers/time_distributed/
class TimeDistributed : public LayerOf<TimeDistributed> {
 public:
  explicit TimeDistributed(LayerRef layer, BaseOptions options = {});
  static TimeDistributed from_config(const Config& config);

  void build(const Shape& input) override;
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Shape compute_output_shape(const Shape& input) const override;
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return "TimeDistributed"; }
  KerasForm keras_form() const override { return {.others = "training mask"}; }
  Config config() const override;

 private:
  LayerRef layer_;
  bool folds_time_ = false;  // in training too: Keras 2's meaning
};

}  // namespace nyala
