#include <nyala/error.hpp>
#include <nyala/layers/convolution.hpp>

#include "spatial.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string conv_name() {
  return "Conv" + std::to_string(N) + "D";
}

}  // namespace

template <std::size_t N>
Conv<N>::Conv(int filters, Dims<N> kernel_size, ConvOptions<N> options)
    : LayerOf<Conv<N>>(options),
      WithLora(conv_name<N>(), options.lora_rank, options.lora_alpha, !options.kernel_constraint.is_none()),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, conv_name<N>()) {
  this->track(activation_);
  const std::string name = conv_name<N>();
  if (filters < 1) throw Error(name + ": filters must be positive, got " + std::to_string(filters));
  if (options.groups < 1) throw Error(name + ": groups must be positive, got " + std::to_string(options.groups));
  if (filters % options.groups != 0) {
    throw Error(name + ": filters must divide by groups, got " + std::to_string(filters) + " filters and " +
                std::to_string(options.groups) + " groups");
  }
  spatial::require_window(kernel_size, options, name);
  if (spatial::above_one(options.strides) && spatial::above_one(options.dilation_rate)) {
    throw Error(name + ": strides and dilation_rate cannot both be above 1, got " +
                Config(options.strides.vector()).json() + " and " + Config(options.dilation_rate.vector()).json());
  }
  options_.padding = spatial::padding(options.padding, N == 1, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
  arguments_ = spatial::conv_arguments(options_, activation_.fused());
}

template <std::size_t N>
Conv<N> Conv<N>::from_config(const Config& config) {
  return Conv(
      config.at("filters").as_int(), spatial::dims<N>(config.at("kernel_size"), 1),
      weight_options::from_config(ConvOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                                 .padding = config.get("padding", "valid"),
                                                 .data_format = config.get("data_format", ""),
                                                 .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1),
                                                 .groups = config.get("groups", 1),
                                                 .lora_rank = config.optional_int("lora_rank"),
                                                 .lora_alpha = config.optional_int("lora_alpha")},
                                  config));
}

template <std::size_t N>
void Conv<N>::build(const Shape& input) {
  const auto [axis, channels] = spatial::known_channels(input, options_.data_format, this->label());
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
  make_lora();
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
void Conv<N>::make_lora() {
  add_lora([this](const std::string& name, const Shape& shape, const InitializerRef& initial) {
    return this->add_weight(name, shape, initial,
                            {.dtype = DType::float32, .regularizer = options_.kernel_regularizer});
  });
}

template <std::size_t N>
void Conv<N>::enable_lora(int rank, std::optional<int> lora_alpha) {
  ask_for_lora(this->label(), this->built(), rank, lora_alpha, !options_.kernel_constraint.is_none());
  make_lora();
}

template <std::size_t N>
Tensor Conv<N>::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y = conv(x, adapted_kernel(), bias, arguments_);
  return activation_.fused() ? y : activation_(y);
}

template <std::size_t N>
Shape Conv<N>::compute_output_shape(const Shape& input) const {
  Shape output = spatial::window_shape(input, kernel_size_, options_, this->label());
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
  weight_options::write(config, options_);
  lora_.write(config);
  return config;
}

template class Conv<1>;
template class Conv<2>;
template class Conv<3>;

}  // namespace nyala
