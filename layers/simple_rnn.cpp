#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/regularizer.hpp>

#include "recurrent_support.hpp"

namespace nyala {

SimpleRNNCell::SimpleRNNCell(int units, SimpleRNNCellOptions options)
    : LayerOf(options),
      units_(units),
      options_(options),
      activation_(options.activation, "SimpleRNNCell"),
      seed_(track(seed_generator(options.seed))) {
  recurrent::check(units, options.dropout, options.recurrent_dropout, "SimpleRNN");
}

SimpleRNNCell SimpleRNNCell::from_config(const Config& config) {
  return SimpleRNNCell(
      config.at("units").as_int(),
      with_base(
          SimpleRNNCellOptions{
              .activation =
                  activation_from_config(config.contains("activation") ? config.at("activation") : Config("tanh")),
              .use_bias = config.get("use_bias", true),
              .kernel_initializer = initializer_from_config(config, "kernel_initializer", "glorot_uniform"),
              .recurrent_initializer = initializer_from_config(config, "recurrent_initializer", "orthogonal"),
              .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),

              .kernel_regularizer = regularizer_from_config(config.get("kernel_regularizer")),
              .recurrent_regularizer = regularizer_from_config(config.get("recurrent_regularizer")),
              .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
              .kernel_constraint = constraint_from_config(config.get("kernel_constraint")),
              .recurrent_constraint = constraint_from_config(config.get("recurrent_constraint")),
              .bias_constraint = constraint_from_config(config.get("bias_constraint")),
              .dropout = config.get("dropout", 0.0),
              .recurrent_dropout = config.get("recurrent_dropout", 0.0),

              .seed = config.optional_integer("seed")},
          config));
}

void SimpleRNNCell::build(const Shape& input) {
  const std::int64_t features = input.back();
  if (features == None) throw Error(label() + ": the features must be known, the shape is " + input.str());
  kernel_ = add_weight("kernel", {features, 1 * units_}, options_.kernel_initializer,
                       {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  recurrent_kernel_ =
      add_weight("recurrent_kernel", {units_, 1 * units_}, options_.recurrent_initializer,
                 {.regularizer = options_.recurrent_regularizer, .constraint = options_.recurrent_constraint});
  if (!options_.use_bias) return;
  bias_ = add_weight("bias", {units_}, options_.bias_initializer,
                     {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
}

void SimpleRNNCell::begin_sequence(const Tensor& x, const std::vector<Tensor>& states) {
  const std::int64_t batch = x.shape()[0];
  input_mask_ = recurrent::dropout_mask({batch, x.shape().back()}, options_.dropout, x.dtype(), seed_);
  state_mask_ = recurrent::dropout_mask(states.front().shape(), options_.recurrent_dropout, x.dtype(), seed_);
}

std::vector<std::int64_t> SimpleRNNCell::state_sizes() const { return {units_}; }

Tensors SimpleRNNCell::call(const Tensors& inputs, bool training) {
  if (inputs.size() != 2) {
    throw Error("takes the input and the state h, got " + std::to_string(inputs.size()) + " tensors");
  }
  const Tensor x = training && input_mask_.defined() ? inputs[0] * input_mask_ : inputs[0];
  const Tensor h = training && state_mask_.defined() ? inputs[1] * state_mask_ : inputs[1];
  Tensor z = matmul(x, kernel_) + matmul(h, recurrent_kernel_);
  if (options_.use_bias) z = z + Tensor(bias_);
  const Tensor next = activation_(z);
  return {next, next};
}

Config SimpleRNNCell::config() const {
  Config config = base_config();
  config["units"] = units_;
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  recurrent::write_weights(config, options_);
  config["dropout"] = options_.dropout;
  config["recurrent_dropout"] = options_.recurrent_dropout;
  config["seed"] = options_.seed;
  return config;
}

namespace {

SimpleRNNCellOptions cell_options(const SimpleRNNOptions& o) {
  return {.activation = o.activation,
          .use_bias = o.use_bias,
          .kernel_initializer = o.kernel_initializer,
          .recurrent_initializer = o.recurrent_initializer,
          .bias_initializer = o.bias_initializer,
          .kernel_regularizer = o.kernel_regularizer,
          .recurrent_regularizer = o.recurrent_regularizer,
          .bias_regularizer = o.bias_regularizer,
          .kernel_constraint = o.kernel_constraint,
          .recurrent_constraint = o.recurrent_constraint,
          .bias_constraint = o.bias_constraint,
          .dropout = o.dropout,
          .recurrent_dropout = o.recurrent_dropout,
          .seed = o.seed,
          .trainable = o.trainable,
          .dtype = o.dtype};
}

}  // namespace

SimpleRNN::SimpleRNN(int units, SimpleRNNOptions options) : LayerOf(options) {
  set_cell(SimpleRNNCell(units, cell_options(options)),
           {options.return_sequences, options.return_state, options.go_backwards, options.stateful, options.unroll,
            options.zero_output_for_mask});
}

SimpleRNN SimpleRNN::from_config(const Config& config) {
  const SequenceOptions sequence = sequence_from(config);
  return SimpleRNN(
      config.at("units").as_int(),
      with_base(
          SimpleRNNOptions{
              .activation =
                  activation_from_config(config.contains("activation") ? config.at("activation") : Config("tanh")),
              .use_bias = config.get("use_bias", true),
              .kernel_initializer = initializer_from_config(config, "kernel_initializer", "glorot_uniform"),
              .recurrent_initializer = initializer_from_config(config, "recurrent_initializer", "orthogonal"),
              .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),

              .kernel_regularizer = regularizer_from_config(config.get("kernel_regularizer")),
              .recurrent_regularizer = regularizer_from_config(config.get("recurrent_regularizer")),
              .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
              .kernel_constraint = constraint_from_config(config.get("kernel_constraint")),
              .recurrent_constraint = constraint_from_config(config.get("recurrent_constraint")),
              .bias_constraint = constraint_from_config(config.get("bias_constraint")),
              .dropout = config.get("dropout", 0.0),
              .recurrent_dropout = config.get("recurrent_dropout", 0.0),
              .seed = config.optional_integer("seed"),
              .return_sequences = sequence.return_sequences,
              .return_state = sequence.return_state,
              .go_backwards = sequence.go_backwards,
              .stateful = sequence.stateful,
              .unroll = sequence.unroll,

              .zero_output_for_mask = sequence.zero_output_for_mask},
          config));
}

SimpleRNN::Run SimpleRNN::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask, bool training) {
  auto& cell = static_cast<SimpleRNNCell&>(*cell_);
  const bool known = recurrent::elementwise(cell.activation_);
  if (!known || (training && cell.options_.recurrent_dropout > 0.0)) {
    return RecurrentLayer::run(x, states, mask, training);
  }
  Tensor used = x;
  if (training && cell.options_.dropout > 0.0) {
    used = x * recurrent::dropout_mask({x.shape()[0], 1, x.shape()[2]}, cell.options_.dropout, x.dtype(), cell.seed_);
  }
  const Tensor bias = cell.options_.use_bias ? Tensor(cell.bias_) : Tensor();
  const RnnResult result = simple_rnn(used, states[0], cell.kernel_, cell.recurrent_kernel_, bias, mask,
                                      {.activation = cell.activation_.name(),
                                       .go_backwards = sequence_.go_backwards,
                                       .zero_output_for_mask = sequence_.zero_output_for_mask});
  return {result.sequence, {result.state}};
}

Config SimpleRNN::config() const {
  const Config own = cell_->config();
  Config config = base_config();
  write_sequence(config);
  for (const Config::Entry& entry : own.entries()) {
    if (entry.first == "name" || entry.first == "trainable" || entry.first == "dtype") continue;
    config[entry.first] = entry.second;
    if (entry.first == "bias_regularizer" && !config.contains("activity_regularizer"))
      config["activity_regularizer"] = Config();
  }
  config.erase("seed");
  return config;
}

}  // namespace nyala
