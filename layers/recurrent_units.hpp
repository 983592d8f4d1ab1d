#pragma once

// The bodies of detail::UnitsCell and detail::UnitsLayer; simple_rnn.cpp, lstm.cpp and gru.cpp instantiate them.

#include <nyala/layers/recurrent.hpp>

#include "recurrent_support.hpp"

namespace nyala::recurrent {

template <class O>
ActivationFunction recurrent_activation(const O& o, const std::string& cell) {
  if constexpr (requires { o.recurrent_activation; }) return ActivationFunction(o.recurrent_activation, cell);
  return {};
}

/// The options that a layer hands on to its cell, whose policy is the layer's for what stands in it.
template <class CellOptions, class O>
CellOptions cell_options(const O& o, const DTypePolicy& dtype) {
  CellOptions cell;
  cell.activation = o.activation;
  if constexpr (requires { o.recurrent_activation; }) cell.recurrent_activation = o.recurrent_activation;
  cell.use_bias = o.use_bias;
  cell.kernel_initializer = o.kernel_initializer;
  cell.recurrent_initializer = o.recurrent_initializer;
  cell.bias_initializer = o.bias_initializer;
  if constexpr (requires { o.unit_forget_bias; }) cell.unit_forget_bias = o.unit_forget_bias;
  cell.kernel_regularizer = o.kernel_regularizer;
  cell.recurrent_regularizer = o.recurrent_regularizer;
  cell.bias_regularizer = o.bias_regularizer;
  cell.kernel_constraint = o.kernel_constraint;
  cell.recurrent_constraint = o.recurrent_constraint;
  cell.bias_constraint = o.bias_constraint;
  cell.dropout = o.dropout;
  cell.recurrent_dropout = o.recurrent_dropout;
  if constexpr (requires { o.reset_after; }) cell.reset_after = o.reset_after;
  cell.seed = o.seed;
  cell.trainable = o.trainable;
  cell.dtype = dtype;
  return cell;
}

}  // namespace nyala::recurrent

namespace nyala::detail {

template <class Cell, class Options>
UnitsCell<Cell, Options>::UnitsCell(int units, const Options& options, std::string layer, int gates, int states)
    : LayerOf<Cell, RecurrentCell>(options),
      units_(units),
      gates_(gates),
      states_(states),
      options_(options),
      activation_(options.activation, layer + "Cell"),
      recurrent_activation_(recurrent::recurrent_activation(options, layer + "Cell")),
      seed_(this->track(seed_generator(options.seed))) {
  recurrent::check(units, options.dropout, options.recurrent_dropout, layer);
  this->track(activation_);
  this->track(recurrent_activation_, "recurrent_activation");
}

template <class Cell, class Options>
Cell UnitsCell<Cell, Options>::from_config(const Config& config) {
  return Cell(config.at("units").as_int(), recurrent::options_from<Options>(config));
}

template <class Cell, class Options>
void UnitsCell<Cell, Options>::build(const Shape& input) {
  const std::int64_t features = input.back();
  if (features == None) throw Error(this->label() + ": the features must be known, the shape is " + input.str());
  kernel_ = this->add_weight("kernel", {features, gates_ * units_}, options_.kernel_initializer,
                             {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  recurrent_kernel_ =
      this->add_weight("recurrent_kernel", {units_, gates_ * units_}, options_.recurrent_initializer,
                       {.regularizer = options_.recurrent_regularizer, .constraint = options_.recurrent_constraint});
  for (const ActivationFunction* activation : {&activation_, &recurrent_activation_}) {
    if (activation->layer() != nullptr) activation->layer()->build_now({{input.front(), units_}});
  }
  if (!options_.use_bias) return;
  bias_ = this->add_weight("bias", bias_shape(), bias_initializer(),
                           {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
}

template <class Cell, class Options>
std::vector<std::int64_t> UnitsCell<Cell, Options>::state_sizes() const {
  return std::vector<std::int64_t>(static_cast<std::size_t>(states_), units_);
}

template <class Cell, class Options>
void UnitsCell<Cell, Options>::begin_sequence(const Tensor& x, const std::vector<Tensor>& states) {
  const std::int64_t batch = x.shape()[0];
  input_mask_ = recurrent::dropout_mask({batch, x.shape().back()}, options_.dropout, x.dtype(), seed_);
  state_mask_ = recurrent::dropout_mask(states.front().shape(), options_.recurrent_dropout, x.dtype(), seed_);
}

template <class Cell, class Options>
std::pair<Tensor, Tensor> UnitsCell<Cell, Options>::dropped(const Tensors& inputs, bool training) const {
  if (inputs.size() != static_cast<std::size_t>(1 + states_)) {
    throw Error(std::string("takes the input and the ") + (states_ == 1 ? "state h" : "states h and c") + ", got " +
                std::to_string(inputs.size()) + " tensors");
  }
  return {training && input_mask_.defined() ? inputs[0] * input_mask_ : inputs[0],
          training && state_mask_.defined() ? inputs[1] * state_mask_ : inputs[1]};
}

template <class Cell, class Options>
std::optional<RnnResult> UnitsCell<Cell, Options>::run_at_once(const Tensor& x, const std::vector<Tensor>& states,
                                                               const Tensor& mask, bool training,
                                                               RnnArguments arguments) {
  if (!recurrent::elementwise(activation_) || !recurrent::elementwise(recurrent_activation_)) return {};
  if (training && options_.recurrent_dropout > 0.0) return {};
  Tensor used = x;
  if (training && options_.dropout > 0.0) {
    used = x * recurrent::dropout_mask({x.shape()[0], 1, x.shape()[2]}, options_.dropout, x.dtype(), seed_);
  }
  arguments.activation = activation_.name();
  if constexpr (requires { options_.recurrent_activation; })
    arguments.recurrent_activation = recurrent_activation_.name();
  return run(used, states, options_.use_bias ? Tensor(bias_) : Tensor(), mask, arguments);
}

template <class Cell, class Options>
Config UnitsCell<Cell, Options>::config() const {
  Config config = this->base_config();
  config["units"] = units_;
  config["activation"] = activation_.config();
  if constexpr (requires { options_.recurrent_activation; })
    config["recurrent_activation"] = recurrent_activation_.config();
  config["use_bias"] = options_.use_bias;
  recurrent::write_options(config, options_);
  return config;
}

template <class Derived, class Cell, class Options>
UnitsLayer<Derived, Cell, Options>::UnitsLayer(int units, const Options& options, const char* cell_name)
    : LayerOf<Derived, RecurrentLayer>(options) {
  const DTypePolicy dtype = this->dtype_policy().of_layer(cell_name);
  Cell cell(units, recurrent::cell_options<typename Cell::OptionsStruct>(options, dtype));
  const ActivationFunction activation = cell.activation(), recurrent_activation = cell.recurrent_activation();
  this->set_cell(std::move(cell), this->sequence_of(options));
  this->track(activation);  // the cell's, by the name that Keras meets first
  this->track(recurrent_activation, "recurrent_activation");
}

template <class Derived, class Cell, class Options>
Derived UnitsLayer<Derived, Cell, Options>::from_config(const Config& config) {
  return Derived(config.at("units").as_int(),
                 UnitsLayer::with_sequence(recurrent::options_from<Options>(config), config));
}

template <class Derived, class Cell, class Options>
RecurrentLayer::Run UnitsLayer<Derived, Cell, Options>::run(const Tensor& x, const std::vector<Tensor>& states,
                                                            const Tensor& mask, bool training) {
  const std::optional<RnnResult> result =
      static_cast<Cell&>(*this->cell_)
          .run_at_once(x, states, mask, training,
                       {.go_backwards = this->sequence_.go_backwards,
                        .zero_output_for_mask = this->sequence_.zero_output_for_mask});
  if (!result) return RecurrentLayer::run(x, states, mask, training);
  std::vector<Tensor> after{result->state};
  if (result->cell_state.defined()) after.push_back(result->cell_state);
  return {result->sequence, after};
}

template <class Derived, class Cell, class Options>
Config UnitsLayer<Derived, Cell, Options>::config() const {
  return this->config_with_cell();
}

}  // namespace nyala::detail
