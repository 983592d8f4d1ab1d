#pragma once

#include <nyala/activations.hpp>
#include <nyala/layer.hpp>
#include <nyala/ops/rnn.hpp>
#include <nyala/random.hpp>

namespace nyala {

/// One step of a recurrence: call({x, states…}) gives {output, new states…}. Layers of one's own that derive from it go
/// into RNN(…). https://keras.io/api/layers/recurrent_layers/rnn/
class RecurrentCell : public Layer {
 public:
  /// Size of each state (features).
  virtual std::vector<std::int64_t> state_sizes() const = 0;
  virtual std::int64_t output_size() const { return state_sizes().front(); }
  /// Number of axes of one step's input, the batch among them.
  virtual int step_rank() const { return 2; }
  /// For one step's input shape; default: (batch, size) for each state.
  virtual std::vector<Shape> state_shapes(const Shape& step) const;
  /// Default: (batch, output_size()).
  virtual Shape output_shape(const Shape& step) const;
  /// Called before a sequence in training: draws what stays the same at every step (dropout masks).
  virtual void begin_sequence(const Tensor& x, const std::vector<Tensor>& states);

  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;

 protected:
  using Layer::Layer;
};

/// What all recurrent layers share: sequences, states, masks.
class RecurrentLayer : public Layer {
 public:
  void build_all(const std::vector<Shape>& inputs) override;
  /// Inputs: the sequence (batch, time, features), then initial states if any.
  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override { return true; }

  /// Sets the kept states of a stateful layer back to zeros.
  void reset_states();
  bool return_sequences() const { return sequence_.return_sequences; }
  bool return_state() const { return sequence_.return_state; }
  const RecurrentCell& cell() const;

 protected:
  using Layer::Layer;
  struct SequenceOptions {
    bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false,
         zero_output_for_mask = false;
  };
  struct Run {
    Tensor sequence;  // in the order of processing
    std::vector<Tensor> states;
  };
  void set_cell(LayerRef cell, const SequenceOptions& options);
  /// The fields of those names of a layer's options, out of them and from a config.
  template <class Options>
  static SequenceOptions sequence_of(const Options& o) {
    return {o.return_sequences, o.return_state, o.go_backwards, o.stateful, o.unroll, o.zero_output_for_mask};
  }
  template <class Options>
  static Options with_sequence(Options o, const Config& config) {
    const SequenceOptions read = sequence_from(config);
    o.return_sequences = read.return_sequences;
    o.return_state = read.return_state;
    o.go_backwards = read.go_backwards;
    o.stateful = read.stateful;
    o.unroll = read.unroll;
    o.zero_output_for_mask = read.zero_output_for_mask;
    return o;
  }
  void write_sequence(Config& config) const;
  /// The config of a layer that makes its cell itself: the cell's options stand among its own.
  Config config_with_cell() const;
  /// The whole sequence; default: step by step through the cell.
  virtual Run run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask, bool training);

  LayerRef cell_;
  SequenceOptions sequence_;

 private:
  static SequenceOptions sequence_from(const Config& config);

  std::vector<Variable> kept_states_;
};

struct RNNOptions {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false,
       zero_output_for_mask = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Any cell over a sequence. https://keras.io/api/layers/recurrent_layers/rnn/
class RNN : public LayerOf<RNN, RecurrentLayer> {
 public:
  explicit RNN(LayerRef cell, RNNOptions options = {});
  static RNN from_config(const Config& config);
  std::string class_name() const override { return "RNN"; }
  Config config() const override;
};

/// Several cells as one: each takes the output of the one before; their states stand one after the other.
/// https://keras.io/api/layers/recurrent_layers/stacked_rnn_cell/
class StackedRNNCells : public LayerOf<StackedRNNCells, RecurrentCell> {
 public:
  explicit StackedRNNCells(const std::vector<LayerRef>& cells, BaseOptions options = {});
  static StackedRNNCells from_config(const Config& config);

  void build(const Shape& input) override;
  void build_all(const std::vector<Shape>& inputs) override { build(inputs.front()); }
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<std::int64_t> state_sizes() const override;
  std::int64_t output_size() const override;
  void begin_sequence(const Tensor& x, const std::vector<Tensor>& states) override;
  std::string class_name() const override { return "StackedRNNCells"; }
  Config config() const override;

 private:
  std::vector<LayerRef> cells_;
};

namespace detail {

/// What SimpleRNNCell, LSTMCell and GRUCell share: a kernel, a recurrent kernel and a bias, in which the blocks of all
/// gates stand side by side, and dropout masks that stay the same for a sequence.
template <class Cell, class Options>
class UnitsCell : public LayerOf<Cell, RecurrentCell> {
 public:
  using OptionsStruct = Options;
  static Cell from_config(const Config& config);

  void build(const Shape& input) override;
  void build_all(const std::vector<Shape>& inputs) override { build(inputs.front()); }
  std::vector<std::int64_t> state_sizes() const override;
  void begin_sequence(const Tensor& x, const std::vector<Tensor>& states) override;
  Config config() const override;
  /// A whole sequence by one operation; nothing where the step-by-step run is needed.
  std::optional<RnnResult> run_at_once(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask,
                                       bool training, RnnArguments arguments);

 protected:
  UnitsCell(int units, const Options& options, std::string layer, int gates, int states);
  virtual Shape bias_shape() const { return {gates_ * units_}; }
  virtual InitializerRef bias_initializer() const { return options_.bias_initializer; }
  virtual RnnResult run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                        const RnnArguments& arguments) const = 0;
  /// x and h, with dropout in training. Error if the call brings another number of states.
  std::pair<Tensor, Tensor> dropped(const Tensors& inputs, bool training) const;

  int units_, gates_, states_;
  Options options_;
  ActivationFunction activation_, recurrent_activation_;
  SeedGenerator seed_;
  Variable kernel_, recurrent_kernel_, bias_;
  Tensor input_mask_, state_mask_;
};

/// What SimpleRNN, LSTM and GRU share: their cell over a sequence, by one operation where there is one.
template <class Derived, class Cell, class Options>
class UnitsLayer : public LayerOf<Derived, RecurrentLayer> {
 public:
  static Derived from_config(const Config& config);
  Config config() const override;

 protected:
  UnitsLayer(int units, const Options& options);
  RecurrentLayer::Run run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask,
                          bool training) override;
};

}  // namespace detail

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
  explicit SimpleRNN(int units, SimpleRNNOptions options = {}) : UnitsLayer(units, options) {}
  std::string class_name() const override { return "SimpleRNN"; }
  Config config() const override;
};
extern template class detail::UnitsCell<SimpleRNNCell, SimpleRNNCellOptions>;
extern template class detail::UnitsLayer<SimpleRNN, SimpleRNNCell, SimpleRNNOptions>;

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
  explicit LSTM(int units, LSTMOptions options = {}) : UnitsLayer(units, options) {}
  std::string class_name() const override { return "LSTM"; }
};
extern template class detail::UnitsCell<LSTMCell, LSTMCellOptions>;
extern template class detail::UnitsLayer<LSTM, LSTMCell, LSTMOptions>;

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
  explicit GRU(int units, GRUOptions options = {}) : UnitsLayer(units, options) {}
  std::string class_name() const override { return "GRU"; }
};
extern template class detail::UnitsCell<GRUCell, GRUCellOptions>;
extern template class detail::UnitsLayer<GRU, GRUCell, GRUOptions>;

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
  Config config() const override;

 private:
  LayerRef forward_, backward_;
  std::optional<std::string> merge_mode_;
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
  Config config() const override;

 private:
  LayerRef layer_;
};

}  // namespace nyala
