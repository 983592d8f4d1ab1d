#include <nyala/error.hpp>
#include <nyala/layers/recurrent.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

void RecurrentCell::begin_sequence(const Tensor&, const std::vector<Tensor>&) {}

std::vector<Shape> RecurrentCell::state_shapes(const Shape& step) const {
  std::vector<Shape> shapes;
  for (const std::int64_t size : state_sizes()) shapes.push_back({step[0], size});
  return shapes;
}

std::vector<Tensor> RecurrentCell::initial_states(const Shape& step) const {
  std::vector<Tensor> states;
  for (const Shape& shape : state_shapes(step)) states.push_back(zeros(shape, compute_dtype()));
  return states;
}

Shape RecurrentCell::output_shape(const Shape& step) const { return {step[0], output_size()}; }

std::vector<Shape> RecurrentCell::compute_output_shapes(const std::vector<Shape>& inputs) const {
  std::vector<Shape> shapes = state_shapes(inputs.front());
  shapes.insert(shapes.begin(), output_shape(inputs.front()));
  return shapes;
}

namespace {

Shape step_of(const Shape& sequence) {
  Shape step = sequence;
  step.erase(1);
  return step;
}

void check_rank(const RecurrentCell& cell, const Shape& sequence, const std::string& layer) {
  if (sequence.rank() == cell.step_rank() + 1) return;
  const bool plain = cell.step_rank() == 2;
  throw Error(layer + "expects an input " +
              (plain ? "(batch, time, features)" : "of rank " + std::to_string(cell.step_rank() + 1)) +
              ", got the shape " + sequence.str() +
              (plain && sequence.rank() == 2 ? " (a recurrent layer before it needs return_sequences)" : ""));
}

/// (batch,) -> (batch, 1, …), to stand beside a tensor of that rank.
Tensor beside(const Tensor& flags, int rank) {
  Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(rank), 1));
  shape[0] = flags.shape()[0];
  return reshape(flags, shape);
}

}  // namespace

void RecurrentLayer::set_cell(LayerRef cell, const SequenceOptions& options) {
  if (dynamic_cast<const RecurrentCell*>(cell.pointer().get()) == nullptr) {
    throw Error(class_name() + ": the cell must be of a class derived from RecurrentCell, got a " + cell->class_name());
  }
  cell_ = track(std::move(cell), "cell");
  sequence_ = options;
}

const RecurrentCell& RecurrentLayer::cell() const { return static_cast<const RecurrentCell&>(*cell_); }

void RecurrentLayer::build_all(const std::vector<Shape>& inputs) {
  const Shape& x = inputs.front();
  check_rank(cell(), x, label() + " ");
  const std::size_t states = cell().state_sizes().size();
  if (inputs.size() != 1 && inputs.size() != 1 + states) {
    throw Error(label() + " takes the sequence and " + std::to_string(states) + " initial states, got " +
                std::to_string(inputs.size()) + " inputs");
  }
  cell_->build_now({step_of(x)});
  if (!sequence_.stateful) return;
  if (x[0] == None) {
    throw Error(label() + ": a stateful layer needs a fixed batch size: Input(shape, {.batch_size = …})");
  }
  for (const Tensor& state : cell().initial_states(step_of(x))) {
    kept_states_.emplace_back(cast(state, compute_dtype()), VariableOptions{.trainable = false, .name = "state"});
    track(kept_states_.back());
  }
}

void RecurrentLayer::reset_states() {
  for (const Variable& state : kept_states_) state.assign(zeros(state.shape(), state.dtype()));
}

RecurrentLayer::Run RecurrentLayer::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask,
                                        bool training) {
  auto& cell = static_cast<RecurrentCell&>(*cell_);
  const std::int64_t time = x.shape()[1];
  if (training) cell.begin_sequence(x, states);
  std::vector<Tensor> now = states;
  std::vector<Tensor> outputs;
  Tensor previous;
  for (std::int64_t step = 0; step < time; ++step) {
    const std::int64_t at = sequence_.go_backwards ? time - 1 - step : step;
    std::vector<Tensor> inputs{x(Slice{}, at)};
    inputs.insert(inputs.end(), now.begin(), now.end());
    const Tensors results = cell.outputs(inputs, CallContext{.training = training});
    Tensor output = results[0];
    std::vector<Tensor> next(results.begin() + 1, results.end());
    if (mask.defined()) {
      const Tensor keep = mask(Slice{}, at);
      const Tensor otherwise = sequence_.zero_output_for_mask || !previous.defined() ? zeros_like(output) : previous;
      output = where(beside(keep, output.rank()), output, otherwise);
      for (std::size_t i = 0; i < next.size(); ++i) next[i] = where(beside(keep, next[i].rank()), next[i], now[i]);
    }
    previous = output;
    outputs.push_back(output);
    now = std::move(next);
  }
  if (outputs.empty()) {
    Shape nothing = cell.output_shape(step_of(x.shape()));
    nothing.insert(1, 0);
    return {zeros(nothing, x.dtype()), now};
  }
  return {stack(outputs, 1), now};
}

Tensors RecurrentLayer::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs[0];
  // As in Keras, which looks for a mask on the input only where that is the only tensor of the call.
  const bool states_given =
      inputs.size() > 1 || context.tensors.count("initial_state") != 0 || context.tensors.count("initial_state_0") != 0;
  check_rank(cell(), x.shape(), "");
  const std::vector<Shape> wanted = cell().state_shapes(step_of(x.shape()));
  std::vector<Tensor> states(inputs.begin() + 1, inputs.end());
  for (std::size_t i = 0; states.size() < wanted.size(); ++i) {
    const auto found = context.tensors.find("initial_state_" + std::to_string(i));
    if (found == context.tensors.end()) break;
    states.push_back(found->second);
  }
  if (states.empty() && context.tensors.count("initial_state") != 0) states = {context.tensors.at("initial_state")};
  if (states.empty() && sequence_.stateful) {
    for (const Variable& state : kept_states_) states.push_back(state.value());
  }
  if (states.empty()) states = cell().initial_states(step_of(x.shape()));
  if (states.size() != wanted.size()) {
    throw Error("takes " + std::to_string(wanted.size()) + " initial states, got " + std::to_string(states.size()));
  }
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i].shape() != wanted[i]) {
      throw Error("initial state " + std::to_string(i) + " must have the shape " + wanted[i].str() + ", got " +
                  states[i].shape().str());
    }
  }
  Tensor mask = context.masks.empty() || states_given ? Tensor() : context.masks.front();
  if (context.tensors.count("mask") != 0) mask = context.tensors.at("mask");
  if (mask.defined()) mask = cast(mask, DType::boolean);
  Run result = run(x, states, mask, context.training);
  if (sequence_.stateful) {
    for (std::size_t i = 0; i < kept_states_.size(); ++i) kept_states_[i].assign(result.states[i]);
  }
  Tensors outputs;
  if (sequence_.return_sequences)
    outputs.push_back(result.sequence);
  else if (x.shape()[1] == 0)
    outputs.push_back(zeros(cell().output_shape(step_of(x.shape())), x.dtype()));
  else
    outputs.push_back(result.sequence(Slice{}, x.shape()[1] - 1));
  if (sequence_.return_state) {
    for (const Tensor& state : result.states) outputs.push_back(state);
  }
  return outputs;
}

std::vector<Shape> RecurrentLayer::compute_output_shapes(const std::vector<Shape>& inputs) const {
  const Shape step = step_of(inputs.front());
  std::vector<Shape> shapes{cell().output_shape(step)};
  if (sequence_.return_sequences) shapes.front().insert(1, inputs.front()[1]);
  if (sequence_.return_state) {
    for (const Shape& state : cell().state_shapes(step)) shapes.push_back(state);
  }
  return shapes;
}

std::vector<Tensor> RecurrentLayer::compute_masks(const Tensors&, const std::vector<Tensor>& masks) const {
  if (!sequence_.return_sequences || masks.empty()) return {};
  return {masks.front()};
}

RecurrentLayer::SequenceOptions RecurrentLayer::sequence_from(const Config& config) {
  return {.return_sequences = config.get("return_sequences", false),
          .return_state = config.get("return_state", false),
          .go_backwards = config.get("go_backwards", false),
          .stateful = config.get("stateful", false),
          .unroll = config.get("unroll", false),
          .zero_output_for_mask = config.get("zero_output_for_mask", false)};
}

void RecurrentLayer::write_sequence(Config& config) const {
  config["return_sequences"] = sequence_.return_sequences;
  config["return_state"] = sequence_.return_state;
  config["go_backwards"] = sequence_.go_backwards;
  config["stateful"] = sequence_.stateful;
  config["unroll"] = sequence_.unroll;
  config["zero_output_for_mask"] = sequence_.zero_output_for_mask;
}

Config RecurrentLayer::config_with_cell() const {
  const Config own = cell_->config();
  Config config = base_config();
  write_sequence(config);
  for (const auto& [key, value] : own.entries()) {
    if (key != "name" && key != "trainable" && key != "dtype") config[key] = value;
    if (key == "bias_regularizer" && !config.contains("activity_regularizer"))
      config["activity_regularizer"] = Config();
  }
  return config;
}

RNN::RNN(LayerRef cell, RNNOptions options) : LayerOf(options) { set_cell(std::move(cell), sequence_of(options)); }

RNN RNN::from_config(const Config& config) {
  return RNN(layer_from_config(config.at("cell")), with_sequence(with_base(RNNOptions{}, config), config));
}

Config RNN::config() const {
  Config config = base_config();
  write_sequence(config);
  config["cell"] = to_config(cell_);
  return config;
}

}  // namespace nyala
