#include <nyala/error.hpp>
#include <nyala/layers/depthwise.hpp>

#include "spatial.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string depthwise_name() {
  return "DepthwiseConv" + std::to_string(N) + "D";
}

}  // namespace

template <std::size_t N>
DepthwiseConv<N>::DepthwiseConv(Dims<N> kernel_size, DepthwiseConvOptions<N> options)
    : LayerOf<DepthwiseConv<N>>(options),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, depthwise_name<N>()) {
  this->track(activation_);
  const std::string name = depthwise_name<N>();
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
DepthwiseConv<N> DepthwiseConv<N>::from_config(const Config& config) {
  return DepthwiseConv(spatial::dims<N>(config.at("kernel_size"), 1),
                       weight_options::from_config(
                           DepthwiseConvOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                                   .padding = config.get("padding", "valid"),
                                                   .depth_multiplier = config.get("depth_multiplier", 1),
                                                   .data_format = config.get("data_format", ""),
                                                   .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1)},
                           config));
}

template <std::size_t N>
void DepthwiseConv<N>::build(const Shape& input) {
  const auto [axis, channels] = spatial::known_channels(input, options_.data_format, this->label());
  compute_output_shape(input);
  Shape shape(kernel_size_.values().begin(), kernel_size_.values().end());
  shape.push_back(channels);
  shape.push_back(options_.depth_multiplier);
  kernel_ =
      this->add_weight("kernel", shape, options_.depthwise_initializer,
                       {.regularizer = options_.depthwise_regularizer, .constraint = options_.depthwise_constraint});
  if (options_.use_bias) {
    bias_ = this->add_weight("bias", {channels * options_.depth_multiplier}, options_.bias_initializer,
                             {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
Tensor DepthwiseConv<N>::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y = depthwise_conv(x, kernel_, bias, arguments_);
  return activation_.fused() ? y : activation_(y);
}

template <std::size_t N>
Shape DepthwiseConv<N>::compute_output_shape(const Shape& input) const {
  Shape output = spatial::window_shape(input, kernel_size_, options_, this->label());
  std::int64_t& channels = output[spatial::channel_axis(options_.data_format, input.size())];
  if (channels != None) channels *= options_.depth_multiplier;
  return output;
}

template <std::size_t N>
std::string DepthwiseConv<N>::class_name() const {
  return depthwise_name<N>();
}

template <std::size_t N>
Config DepthwiseConv<N>::config() const {
  Config config = this->base_config();
  config["depth_multiplier"] = options_.depth_multiplier;
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

template class DepthwiseConv<1>;
template class DepthwiseConv<2>;

}  // namespace nyala
