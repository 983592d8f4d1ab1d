#include <nyala/layers/conv_lstm.hpp>

#include <nyala/error.hpp>

#include "recurrent_support.hpp"
#include "spatial.hpp"

namespace nyala {

template <std::size_t N>
ConvLSTMCell<N>::ConvLSTMCell(int filters, Dims<N> kernel_size, ConvLSTMOptions<N> options)
    : LayerOf<ConvLSTMCell<N>, RecurrentCell>(
          BaseOptions{.trainable = options.trainable, .dtype = options.dtype, .name = "conv_lstm_cell"}),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, "ConvLSTM"),
      recurrent_activation_(options.recurrent_activation, "ConvLSTM"),
      seed_(this->track(seed_generator(options.seed))) {
  const std::string layer = "ConvLSTM" + std::to_string(N) + "D";
  if (filters < 1) throw Error(layer + ": filters must be positive, got " + std::to_string(filters));
  recurrent::check(filters, options.dropout, options.recurrent_dropout, layer);
  spatial::require_window(kernel_size, options, layer);
  options_.padding = spatial::padding(options.padding, false, layer);
  options_.data_format = spatial::data_format(options.data_format, layer);
  if (spatial::above_one(options.strides) && spatial::above_one(options.dilation_rate)) {
    throw Error(layer + ": strides above 1 and dilation_rate above 1 do not go together");
  }
}

template <std::size_t N>
void ConvLSTMCell<N>::build(const Shape& input) {
  const std::int64_t channels = input[spatial::channel_axis(options_.data_format, input.size())];
  if (!Shape(input.begin() + 1, input.end()).known()) {
    throw Error("spatial sizes and channels must be known, the shape is " + input.str());
  }
  Shape kernel, recurrent_kernel;
  for (const std::int64_t size : kernel_size_.vector()) {
    kernel.push_back(size);
    recurrent_kernel.push_back(size);
  }
  kernel.push_back(channels);
  recurrent_kernel.push_back(filters_);
  kernel.push_back(std::int64_t{4} * filters_);
  recurrent_kernel.push_back(std::int64_t{4} * filters_);
  kernel_ = this->add_weight("kernel", kernel, options_.kernel_initializer,
                             {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  recurrent_kernel_ =
      this->add_weight("recurrent_kernel", recurrent_kernel, options_.recurrent_initializer,
                       {.regularizer = options_.recurrent_regularizer, .constraint = options_.recurrent_constraint});
  if (!options_.use_bias) return;
  InitializerRef initializer = options_.bias_initializer;
  if (options_.unit_forget_bias) initializer = recurrent::forget_gate_ones(initializer, filters_, "ConvLSTM");
  bias_ = this->add_weight("bias", {std::int64_t{4} * filters_}, initializer,
                           {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
}

template <std::size_t N>
Shape ConvLSTMCell<N>::output_shape(const Shape& step) const {
  Shape output = spatial::window_shape(step, kernel_size_, options_, "ConvLSTM");
  output[spatial::channel_axis(options_.data_format, step.size())] = filters_;
  return output;
}

template <std::size_t N>
std::vector<Shape> ConvLSTMCell<N>::state_shapes(const Shape& step) const {
  return {output_shape(step), output_shape(step)};
}

template <std::size_t N>
void ConvLSTMCell<N>::begin_sequence(const Tensor& x, const std::vector<Tensor>& states) {
  input_masks_.clear();
  state_masks_.clear();
  Shape step = x.shape();
  step.erase(1);
  for (int gate = 0; gate < 4; ++gate) {
    input_masks_.push_back(recurrent::dropout_mask(step, options_.dropout, x.dtype(), seed_));
    state_masks_.push_back(
        recurrent::dropout_mask(states.front().shape(), options_.recurrent_dropout, x.dtype(), seed_));
  }
}

template <std::size_t N>
Tensors ConvLSTMCell<N>::call(const Tensors& inputs, bool training) {
  if (inputs.size() != 3) {
    throw Error("takes the input and the states h and c, got " + std::to_string(inputs.size()) + " tensors");
  }
  const ConvArguments of_input{.strides = options_.strides.vector(),
                               .padding = options_.padding,
                               .data_format = options_.data_format,
                               .dilation_rate = options_.dilation_rate.vector()};
  const ConvArguments of_state{.padding = "same", .data_format = options_.data_format};
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const int gate_axis = static_cast<int>(spatial::channel_axis(options_.data_format, N + 2));
  std::vector<Tensor> z;
  const bool drops = training && (options_.dropout > 0.0 || options_.recurrent_dropout > 0.0);
  if (!drops) {
    z = split(conv(inputs[0], kernel_, bias, of_input) + conv(inputs[1], recurrent_kernel_, {}, of_state), 4,
              gate_axis);
  } else {
    // Each gate has masks of its own.
    const std::vector<Tensor> kernels = split(kernel_, 4, -1), recurrent_kernels = split(recurrent_kernel_, 4, -1);
    const std::vector<Tensor> biases = bias.defined() ? split(bias, 4, 0) : std::vector<Tensor>(4);
    for (std::size_t gate = 0; gate < 4; ++gate) {
      const Tensor x = input_masks_[gate].defined() ? inputs[0] * input_masks_[gate] : inputs[0];
      const Tensor h = state_masks_[gate].defined() ? inputs[1] * state_masks_[gate] : inputs[1];
      z.push_back(conv(x, kernels[gate], biases[gate], of_input) + conv(h, recurrent_kernels[gate], {}, of_state));
    }
  }
  const Tensor input = recurrent_activation_(z[0]), forget = recurrent_activation_(z[1]);
  const Tensor c = forget * inputs[2] + input * activation_(z[2]);
  const Tensor next = recurrent_activation_(z[3]) * activation_(c);
  return {next, next, c};
}

template <std::size_t N>
Config ConvLSTMCell<N>::config() const {
  Config config = this->base_config();
  config["filters"] = filters_;
  config["kernel_size"] = kernel_size_.vector();
  config["strides"] = options_.strides.vector();
  config["padding"] = options_.padding;
  config["data_format"] = options_.data_format;
  config["dilation_rate"] = options_.dilation_rate.vector();
  config["activation"] = activation_.config();
  config["recurrent_activation"] = recurrent_activation_.config();
  config["use_bias"] = options_.use_bias;
  recurrent::write_options(config, options_);
  return config;
}

template <std::size_t N>
ConvLSTM<N>::ConvLSTM(int filters, Dims<N> kernel_size, ConvLSTMOptions<N> options)
    : LayerOf<ConvLSTM<N>, RecurrentLayer>(options) {
  this->set_cell(ConvLSTMCell<N>(filters, kernel_size, options), this->sequence_of(options));
}

template <std::size_t N>
ConvLSTM<N> ConvLSTM<N>::from_config(const Config& config) {
  auto options = ConvLSTM::with_sequence(recurrent::options_from<ConvLSTMOptions<N>>(config), config);
  options.strides = spatial::dims<N>(config.get("strides"), 1);
  options.padding = config.get("padding", "valid");
  options.data_format = config.get("data_format", "");
  options.dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1);
  return ConvLSTM(config.at("filters").as_int(), spatial::dims<N>(config.at("kernel_size"), 1), options);
}

template <std::size_t N>
std::string ConvLSTM<N>::class_name() const {
  return "ConvLSTM" + std::to_string(N) + "D";
}

template <std::size_t N>
Config ConvLSTM<N>::config() const {
  return this->config_with_cell();
}

template class ConvLSTMCell<1>;
template class ConvLSTMCell<2>;
template class ConvLSTMCell<3>;
template class ConvLSTM<1>;
template class ConvLSTM<2>;
template class ConvLSTM<3>;

}  // namespace nyala
