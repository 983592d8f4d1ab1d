#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layers/convolution.hpp>
#include <nyala/regularizer.hpp>

#include "spatial.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string conv_name() {
  return "Conv" + std::to_string(N) + "D";
}

bool above_one(const std::vector<std::int64_t>& values) {
  return std::any_of(values.begin(), values.end(), [](std::int64_t value) { return value > 1; });
}

}  // namespace

template <std::size_t N>
Conv<N>::Conv(int filters, Dims<N> kernel_size, ConvOptions<N> options)
    : LayerOf<Conv<N>>(options),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, conv_name<N>()) {
  const std::string name = conv_name<N>();
  if (filters < 1) throw Error(name + ": filters must be positive, got " + std::to_string(filters));
  if (options.groups < 1) throw Error(name + ": groups must be positive, got " + std::to_string(options.groups));
  if (filters % options.groups != 0) {
    throw Error(name + ": filters must divide by groups, got " + std::to_string(filters) + " filters and " +
                std::to_string(options.groups) + " groups");
  }
  spatial::require_positive(kernel_size.vector(), name + ": kernel_size");
  spatial::require_positive(options.strides.vector(), name + ": strides");
  spatial::require_positive(options.dilation_rate.vector(), name + ": dilation_rate");
  if (above_one(options.strides.vector()) && above_one(options.dilation_rate.vector())) {
    throw Error(name + ": strides and dilation_rate cannot both be above 1, got " +
                Config(options.strides.vector()).json() + " and " + Config(options.dilation_rate.vector()).json());
  }
  options_.padding = spatial::padding(options.padding, N == 1, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
Conv<N> Conv<N>::from_config(const Config& config) {
  return Conv(config.at("filters").as_int(), spatial::dims<N>(config.at("kernel_size"), 1),
              with_base(ConvOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                       .padding = config.get("padding", "valid"),
                                       .data_format = config.get("data_format", ""),
                                       .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1),
                                       .groups = config.get("groups", 1),
                                       .activation = activation_from_config(config.get("activation")),
                                       .use_bias = config.get("use_bias", true),
                                       .kernel_initializer =
                                           initializer_from_config(config, "kernel_initializer", "glorot_uniform"),
                                       .bias_initializer = initializer_from_config(config, "bias_initializer", "zeros"),
                                       .kernel_regularizer = regularizer_from_config(config.get("kernel_regularizer")),
                                       .bias_regularizer = regularizer_from_config(config.get("bias_regularizer")),
                                       .kernel_constraint = constraint_from_config(config.get("kernel_constraint")),
                                       .bias_constraint = constraint_from_config(config.get("bias_constraint"))},
                        config));
}

template <std::size_t N>
void Conv<N>::build(const Shape& input) {
  const std::size_t axis = spatial::channel_axis(options_.data_format, input.size());
  const std::int64_t channels = input[axis];
  if (channels == None) throw Error(this->label() + ": the channels must be known, the shape is " + input.str());
  if (channels % options_.groups != 0) {
    throw Error(this->label() + ": the input's channels must divide by groups, got " + std::to_string(channels) +
                " channels and " + std::to_string(options_.groups) + " groups");
  }
  compute_output_shape(input);
  Shape shape(kernel_size_.values().begin(), kernel_size_.values().end());
  shape.push_back(channels / options_.groups);
  shape.push_back(filters_);
  kernel_ = this->add_weight("kernel", shape, options_.kernel_initializer,
                             {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    bias_ = this->add_weight("bias", {filters_}, options_.bias_initializer,
                             {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
Tensor Conv<N>::forward(const Tensor& x, bool) {
  const auto fused = activation_.fused();
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y = conv(x, kernel_, bias,
                        {.strides = options_.strides.vector(),
                         .padding = options_.padding,
                         .data_format = options_.data_format,
                         .dilation_rate = options_.dilation_rate.vector(),
                         .activation = fused.value_or(FusedActivation::none)});
  return fused ? y : activation_(y);
}

template <std::size_t N>
Shape Conv<N>::compute_output_shape(const Shape& input) const {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(options_.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    output[first + i] = spatial::output_length(input[first + i], kernel_size_[i], options_.strides[i],
                                               options_.dilation_rate[i], options_.padding, this->label());
  }
  output[spatial::channel_axis(options_.data_format, input.size())] = filters_;
  return output;
}

template <std::size_t N>
std::string Conv<N>::class_name() const {
  return conv_name<N>();
}

template <std::size_t N>
Config Conv<N>::config() const {
  Config config = this->base_config();
  config["filters"] = filters_;
  config["kernel_size"] = kernel_size_.vector();
  config["strides"] = options_.strides.vector();
  config["padding"] = options_.padding;
  config["data_format"] = options_.data_format;
  config["dilation_rate"] = options_.dilation_rate.vector();
  config["groups"] = options_.groups;
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  config["kernel_initializer"] = to_config(options_.kernel_initializer);
  config["bias_initializer"] = to_config(options_.bias_initializer);
  config["kernel_regularizer"] = to_config(options_.kernel_regularizer);
  config["bias_regularizer"] = to_config(options_.bias_regularizer);
  if (!config.contains("activity_regularizer")) config["activity_regularizer"] = Config();
  config["kernel_constraint"] = to_config(options_.kernel_constraint);
  config["bias_constraint"] = to_config(options_.bias_constraint);
  return config;
}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;

}  // namespace nyala
