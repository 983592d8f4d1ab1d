#pragma once

#include <nyala/activations.hpp>
#include <nyala/layer.hpp>
#include <nyala/ops/rnn.hpp>
#include <nyala/random.hpp>

namespace nyala {

/// One step of a recurrence: call({x, states…}) gives {output, new states…}. Layers of one's own that derive from it go
/// into RNN(…); register_layer<T>("package>Name") makes files with them readable.
/// https://keras.io/api/layers/recurrent_layers/rnn/
class RecurrentCell : public Layer {
 public:
  /// Size of each state (features).
  virtual std::vector<std::int64_t> state_sizes() const = 0;
  virtual std::int64_t output_size() const { return state_sizes().front(); }
  /// Number of axes of one step's input, the batch among them.
  virtual int step_rank() const { return 2; }
  /// For one step's input shape; default: (batch, size) for each state.
  virtual std::vector<Shape> state_shapes(const Shape& step) const;
  /// What a sequence begins with, for one step's input shape: Keras' get_initial_state. Default: zeros.
  virtual std::vector<Tensor> initial_states(const Shape& step) const;
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
  KerasForm keras_form() const override { return {.inputs = "sequences", .others = "initial_state mask training"}; }

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
  std::vector<Tensor> initial_states(const Shape& step) const override;
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
  const ActivationFunction& activation() const { return activation_; }
  const ActivationFunction& recurrent_activation() const { return recurrent_activation_; }

 protected:
  UnitsCell(int units, const Options& options, std::string layer, int gates, int states);
  virtual Shape bias_shape() const { return {gates_ * units_}; }
  virtual InitializerRef bias_initializer() const { return options_.bias_initializer; }
  virtual RnnResult run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                        const RnnArguments& arguments) const = 0;
  /// x and h, with dropout in training. Error if the call brings another number of states.
  std::pair<Tensor, Tensor> dropped(const Tensors& inputs, bool training) const;

  int units_;
  std::int64_t gates_;
  int states_;
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
  /// cell_name: what Keras calls the cell, as a DTypePolicyMap may name it.
  UnitsLayer(int units, const Options& options, const char* cell_name);
  RecurrentLayer::Run run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask,
                          bool training) override;
};

}  // namespace detail

}  // namespace nyala
