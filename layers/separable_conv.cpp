#include <nyala/error.hpp>
#include <nyala/layers/depthwise.hpp>

#include "spatial.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string separable_name() {
  return "SeparableConv" + std::to_string(N) + "D";
}

}  // namespace

template <std::size_t N>
SeparableConv<N>::SeparableConv(int filters, Dims<N> kernel_size, SeparableConvOptions<N> options)
    : LayerOf<SeparableConv<N>>(options),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, separable_name<N>()) {
  this->track(activation_);
  const std::string name = separable_name<N>();
  if (filters < 1) throw Error(name + ": filters must be positive, got " + std::to_string(filters));
  if (options.depth_multiplier < 1) {
    throw Error(name + ": depth_multiplier must be positive, got " + std::to_string(options.depth_multiplier));
  }
  spatial::require_window(kernel_size, options, name);
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
  arguments_ = spatial::conv_arguments(options_, activation_.fused());
}

template <std::size_t N>
SeparableConv<N> SeparableConv<N>::from_config(const Config& config) {
  return SeparableConv(config.at("filters").as_int(), spatial::dims<N>(config.at("kernel_size"), 1),
                       weight_options::from_config(
                           SeparableConvOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                                   .padding = config.get("padding", "valid"),
                                                   .data_format = config.get("data_format", ""),
                                                   .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1),
                                                   .depth_multiplier = config.get("depth_multiplier", 1)},
                           config));
}

template <std::size_t N>
void SeparableConv<N>::build(const Shape& input) {
  const auto [axis, channels] = spatial::known_channels(input, options_.data_format, this->label());
  compute_output_shape(input);
  Shape depthwise(kernel_size_.values().begin(), kernel_size_.values().end());
  depthwise.push_back(channels);
  depthwise.push_back(options_.depth_multiplier);
  Shape pointwise;
  for (std::size_t i = 0; i < N; ++i) pointwise.push_back(1);
  pointwise.push_back(channels * options_.depth_multiplier);
  pointwise.push_back(filters_);
  depthwise_kernel_ =
      this->add_weight("depthwise_kernel", depthwise, options_.depthwise_initializer,
                       {.regularizer = options_.depthwise_regularizer, .constraint = options_.depthwise_constraint});
  pointwise_kernel_ =
      this->add_weight("pointwise_kernel", pointwise, options_.pointwise_initializer,
                       {.regularizer = options_.pointwise_regularizer, .constraint = options_.pointwise_constraint});
  if (options_.use_bias) {
    bias_ = this->add_weight("bias", {filters_}, options_.bias_initializer,
                             {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
Tensor SeparableConv<N>::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y = separable_conv(x, depthwise_kernel_, pointwise_kernel_, bias, arguments_);
  return activation_.fused() ? y : activation_(y);
}

template <std::size_t N>
Shape SeparableConv<N>::compute_output_shape(const Shape& input) const {
  Shape output = spatial::window_shape(input, kernel_size_, options_, this->label());
  output[spatial::channel_axis(options_.data_format, input.size())] = filters_;
  return output;
}

template <std::size_t N>
std::string SeparableConv<N>::class_name() const {
  return separable_name<N>();
}

template <std::size_t N>
Config SeparableConv<N>::config() const {
  Config config = this->base_config();
  config["depth_multiplier"] = options_.depth_multiplier;
  config["filters"] = filters_;
  config["kernel_size"] = kernel_size_.vector();
  config["strides"] = options_.strides.vector();
  config["padding"] = options_.padding;
  config["data_format"] = options_.data_format;
  config["dilation_rate"] = options_.dilation_rate.vector();
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  weight_options::write(config, options_);
  return config;
}

template class SeparableConv<1>;
template class SeparableConv<2>;

}  // namespace nyala
