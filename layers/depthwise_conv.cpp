#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/depthwise.hpp>
#include <nyala/regularizer.hpp>

#include "spatial.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string class_name_of() {
  return "DepthwiseConv" + std::to_string(N) + "D";
}

}  // namespace

template <std::size_t N>
DepthwiseConv<N>::DepthwiseConv(Dims<N> kernel_size, DepthwiseConvOptions<N> options)
    : LayerOf<DepthwiseConv<N>>(options),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, class_name_of<N>()) {
  const std::string name = class_name_of<N>();
  if (options.depth_multiplier < 1) {
    throw Error(name + ": depth_multiplier must be positive, got " + std::to_string(options.depth_multiplier));
  }
  spatial::require_positive(kernel_size.vector(), name + ": kernel_size");
  spatial::require_positive(options.strides.vector(), name + ": strides");
  spatial::require_positive(options.dilation_rate.vector(), name + ": dilation_rate");
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
DepthwiseConv<N> DepthwiseConv<N>::from_config(const Config& config) {
  return DepthwiseConv(
      spatial::dims<N>(config.at("kernel_size"), 1),
      with_base(
          DepthwiseConvOptions<N>{
              .strides = spatial::dims<N>(config.get("strides"), 1),
              .padding = config.get("padding", "valid"),
              .depth_multiplier = config.get("depth_multiplier", 1),
              .data_format = config.get("data_format", ""),
              .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1),
              .activation = activation_from_config(config.get("activation")),
              .use_bias = config.get("use_bias", true),
              .depthwise_initializer = initializer_from_config(config, "depthwise_initializer", "glorot_uniform"),
              .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),
              .depthwise_regularizer = regularizer_from_config(config.get("depthwise_regularizer")),
              .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
              .depthwise_constraint = constraint_from_config(config.get("depthwise_constraint")),
              .bias_constraint = constraint_from_config(config.get("bias_constraint"))},
          config));
}

template <std::size_t N>
void DepthwiseConv<N>::build(const Shape& input) {
  const std::size_t axis = spatial::channel_axis(options_.data_format, input.size());
  const std::int64_t channels = input[axis];
  if (channels == None) throw Error(this->label() + ": the channels must be known, the shape is " + input.str());
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
  const auto fused = activation_.fused();
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y = depthwise_conv(x, kernel_, bias,
                                  {.strides = options_.strides.vector(),
                                   .padding = options_.padding,
                                   .data_format = options_.data_format,
                                   .dilation_rate = options_.dilation_rate.vector(),
                                   .activation = fused.value_or(FusedActivation::none)});
  return fused ? y : activation_(y);
}

template <std::size_t N>
Shape DepthwiseConv<N>::compute_output_shape(const Shape& input) const {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(options_.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    output[first + i] = spatial::output_length(input[first + i], kernel_size_[i], options_.strides[i],
                                               options_.dilation_rate[i], options_.padding, this->label());
  }
  std::int64_t& channels = output[spatial::channel_axis(options_.data_format, input.size())];
  if (channels != None) channels *= options_.depth_multiplier;
  return output;
}

template <std::size_t N>
std::string DepthwiseConv<N>::class_name() const {
  return class_name_of<N>();
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
  config["depthwise_initializer"] = to_config(options_.depthwise_initializer);
  config["bias_initializer"] = to_config(options_.bias_initializer);
  config["depthwise_regularizer"] = to_config(options_.depthwise_regularizer);
  config["bias_regularizer"] = to_config(options_.bias_regularizer);
  if (!config.contains("activity_regularizer")) config["activity_regularizer"] = Config();
  config["depthwise_constraint"] = to_config(options_.depthwise_constraint);
  config["bias_constraint"] = to_config(options_.bias_constraint);
  return config;
}

template class DepthwiseConv<1>;
template class DepthwiseConv<2>;

}  // namespace nyala
