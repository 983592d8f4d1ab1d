#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/regularizer.hpp>

#include "recurrent_support.hpp"

namespace nyala {

GRUCell::GRUCell(int units, GRUCellOptions options)
    : LayerOf(options),
      units_(units),
      options_(options),
      activation_(options.activation, "GRUCell"),
      recurrent_activation_(options.recurrent_activation, "GRUCell"),
      seed_(track(seed_generator(options.seed))) {
  recurrent::check(units, options.dropout, options.recurrent_dropout, "GRU");
}

GRUCell GRUCell::from_config(const Config& config) {
  return GRUCell(
      config.at("units").as_int(),
      with_base(
          GRUCellOptions{
              .activation =
                  activation_from_config(config.contains("activation") ? config.at("activation") : Config("tanh")),
              .recurrent_activation = activation_from_config(
                  config.contains("recurrent_activation") ? config.at("recurrent_activation") : Config("sigmoid")),
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
              .reset_after = config.get("reset_after", true),
              .seed = config.optional_integer("seed")},
          config));
}

void GRUCell::build(const Shape& input) {
  const std::int64_t features = input.back();
  if (features == None) throw Error(label() + ": the features must be known, the shape is " + input.str());
  kernel_ = add_weight("kernel", {features, 3 * units_}, options_.kernel_initializer,
                       {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  recurrent_kernel_ =
      add_weight("recurrent_kernel", {units_, 3 * units_}, options_.recurrent_initializer,
                 {.regularizer = options_.recurrent_regularizer, .constraint = options_.recurrent_constraint});
  if (!options_.use_bias) return;
  const Shape shape = options_.reset_after ? Shape{2, 3 * units_} : Shape{3 * units_};
  bias_ = add_weight("bias", shape, options_.bias_initializer,
                     {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
}

void GRUCell::begin_sequence(const Tensor& x, const std::vector<Tensor>& states) {
  const std::int64_t batch = x.shape()[0];
  input_mask_ = recurrent::dropout_mask({batch, x.shape().back()}, options_.dropout, x.dtype(), seed_);
  state_mask_ = recurrent::dropout_mask(states.front().shape(), options_.recurrent_dropout, x.dtype(), seed_);
}

std::vector<std::int64_t> GRUCell::state_sizes() const { return {units_}; }

Tensors GRUCell::call(const Tensors& inputs, bool training) {
  if (inputs.size() != 2) {
    throw Error("takes the input and the state h, got " + std::to_string(inputs.size()) + " tensors");
  }
  const Tensor x = training && input_mask_.defined() ? inputs[0] * input_mask_ : inputs[0];
  const Tensor h = training && state_mask_.defined() ? inputs[1] * state_mask_ : inputs[1];
  const Tensor recurrent_kernel = recurrent_kernel_;
  Tensor from_x = matmul(x, kernel_);
  if (options_.use_bias) from_x = from_x + (options_.reset_after ? Tensor(bias_)[0] : Tensor(bias_));
  const std::vector<Tensor> parts = split(from_x, 3, -1);
  Tensor candidate, update;
  if (options_.reset_after) {
    Tensor from_h = matmul(h, recurrent_kernel);
    if (options_.use_bias) from_h = from_h + Tensor(bias_)[1];
    const std::vector<Tensor> own = split(from_h, 3, -1);
    update = recurrent_activation_(parts[0] + own[0]);
    const Tensor reset = recurrent_activation_(parts[1] + own[1]);
    candidate = activation_(parts[2] + reset * own[2]);
  } else {
    const std::vector<Tensor> kernels = split(recurrent_kernel, 3, -1);
    update = recurrent_activation_(parts[0] + matmul(h, kernels[0]));
    const Tensor reset = recurrent_activation_(parts[1] + matmul(h, kernels[1]));
    candidate = activation_(parts[2] + matmul(reset * h, kernels[2]));
  }
  const Tensor next = update * inputs[1] + (1.0 - update) * candidate;
  return {next, next};
}

Config GRUCell::config() const {
  Config config = base_config();
  config["units"] = units_;
  config["activation"] = activation_.config();
  config["recurrent_activation"] = recurrent_activation_.config();
  config["use_bias"] = options_.use_bias;
  recurrent::write_weights(config, options_);
  config["dropout"] = options_.dropout;
  config["recurrent_dropout"] = options_.recurrent_dropout;
  config["reset_after"] = options_.reset_after;
  config["seed"] = options_.seed;
  return config;
}

namespace {

GRUCellOptions cell_options(const GRUOptions& o) {
  return {.activation = o.activation,
          .recurrent_activation = o.recurrent_activation,
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
          .reset_after = o.reset_after,
          .seed = o.seed,
          .trainable = o.trainable,
          .dtype = o.dtype};
}

}  // namespace

GRU::GRU(int units, GRUOptions options) : LayerOf(options) {
  set_cell(GRUCell(units, cell_options(options)), {options.return_sequences, options.return_state, options.go_backwards,
                                                   options.stateful, options.unroll, options.zero_output_for_mask});
}

GRU GRU::from_config(const Config& config) {
  const SequenceOptions sequence = sequence_from(config);
  return GRU(
      config.at("units").as_int(),
      with_base(
          GRUOptions{
              .activation =
                  activation_from_config(config.contains("activation") ? config.at("activation") : Config("tanh")),
              .recurrent_activation = activation_from_config(
                  config.contains("recurrent_activation") ? config.at("recurrent_activation") : Config("sigmoid")),
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
              .reset_after = config.get("reset_after", true),
              .zero_output_for_mask = sequence.zero_output_for_mask},
          config));
}

GRU::Run GRU::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask, bool training) {
  auto& cell = static_cast<GRUCell&>(*cell_);
  const bool known = recurrent::elementwise(cell.activation_) && recurrent::elementwise(cell.recurrent_activation_);
  if (!known || (training && cell.options_.recurrent_dropout > 0.0)) {
    return RecurrentLayer::run(x, states, mask, training);
  }
  Tensor used = x;
  if (training && cell.options_.dropout > 0.0) {
    used = x * recurrent::dropout_mask({x.shape()[0], 1, x.shape()[2]}, cell.options_.dropout, x.dtype(), cell.seed_);
  }
  const Tensor bias = cell.options_.use_bias ? Tensor(cell.bias_) : Tensor();
  const RnnResult result = gru(used, states[0], cell.kernel_, cell.recurrent_kernel_, bias, mask,
                               {.activation = cell.activation_.name(),
                                .recurrent_activation = cell.recurrent_activation_.name(),
                                .go_backwards = sequence_.go_backwards,
                                .zero_output_for_mask = sequence_.zero_output_for_mask,
                                .reset_after = cell.options_.reset_after});
  return {result.sequence, {result.state}};
}

Config GRU::config() const {
  const Config own = cell_->config();
  Config config = base_config();
  write_sequence(config);
  for (const Config::Entry& entry : own.entries()) {
    if (entry.first == "name" || entry.first == "trainable" || entry.first == "dtype") continue;
    config[entry.first] = entry.second;
    if (entry.first == "bias_regularizer" && !config.contains("activity_regularizer"))
      config["activity_regularizer"] = Config();
  }
  return config;
}

}  // namespace nyala
