#include <nyala/error.hpp>
#include <nyala/layers/convolution.hpp>

#include "spatial.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

template <std::size_t N>
std::string transpose_name() {
  return "Conv" + std::to_string(N) + "DTranspose";
}

}  // namespace

template <std::size_t N>
ConvTranspose<N>::ConvTranspose(int filters, Dims<N> kernel_size, ConvTransposeOptions<N> options)
    : LayerOf<ConvTranspose<N>>(options),
      filters_(filters),
      kernel_size_(kernel_size),
      options_(options),
      activation_(options.activation, transpose_name<N>()) {
  this->track(activation_);
  const std::string name = transpose_name<N>();
  if (filters < 1) throw Error(name + ": filters must be positive, got " + std::to_string(filters));
  spatial::require_window(kernel_size, options, name);
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  for (std::size_t i = 0; i < N; ++i) {
    if (options.strides[i] > 1 && options.dilation_rate[i] > 1) {
      throw Error(name + ": strides and dilation_rate cannot both be above 1");
    }
    if (options.output_padding.given() &&
        (options.output_padding[i] < 0 || options.output_padding[i] >= options.strides[i])) {
      throw Error(name + ": output_padding must be at least 0 and less than strides, got " +
                  std::to_string(options.output_padding[i]) + " for a stride of " + std::to_string(options.strides[i]));
    }
  }
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
  arguments_ = spatial::conv_arguments(options_, activation_.fused());
}

template <std::size_t N>
ConvTranspose<N> ConvTranspose<N>::from_config(const Config& config) {
  return ConvTranspose(config.at("filters").as_int(), spatial::dims<N>(config.at("kernel_size"), 1),
                       weight_options::from_config(
                           ConvTransposeOptions<N>{.strides = spatial::dims<N>(config.get("strides"), 1),
                                                   .padding = config.get("padding", "valid"),
                                                   .output_padding = spatial::dims<N>(config.get("output_padding"), {}),
                                                   .data_format = config.get("data_format", ""),
                                                   .dilation_rate = spatial::dims<N>(config.get("dilation_rate"), 1)},
                           config));
}

template <std::size_t N>
void ConvTranspose<N>::build(const Shape& input) {
  const auto [axis, channels] = spatial::known_channels(input, options_.data_format, this->label());
  Shape shape(kernel_size_.values().begin(), kernel_size_.values().end());
  shape.push_back(filters_);
  shape.push_back(channels);
  kernel_ = this->add_weight("kernel", shape, options_.kernel_initializer,
                             {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (options_.use_bias) {
    bias_ = this->add_weight("bias", {filters_}, options_.bias_initializer,
                             {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  this->set_input_spec({{.rank = static_cast<int>(N) + 2, .axes = {{static_cast<int>(axis), channels}}}});
}

template <std::size_t N>
Tensor ConvTranspose<N>::forward(const Tensor& x, bool) {
  const Tensor bias = options_.use_bias ? Tensor(bias_) : Tensor();
  const Tensor y =
      conv_transpose(x, kernel_, bias, arguments_,
                     options_.output_padding.given() ? options_.output_padding.vector() : std::vector<std::int64_t>());
  return activation_.fused() ? y : activation_(y);
}

template <std::size_t N>
Shape ConvTranspose<N>::compute_output_shape(const Shape& input) const {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(options_.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    std::int64_t& size = output[first + i];
    if (size == None) continue;
    const std::int64_t stride = options_.strides[i];
    const std::int64_t window = (kernel_size_[i] - 1) * options_.dilation_rate[i] + 1;
    const bool given = options_.output_padding.given();
    if (options_.padding == "valid") {
      size = (size - 1) * stride + (given ? window + options_.output_padding[i] : std::max(window, stride));
    } else {
      size = given ? (size - 1) * stride + window % 2 + options_.output_padding[i] : size * stride;
    }
  }
  output[spatial::channel_axis(options_.data_format, input.size())] = filters_;
  return output;
}

template <std::size_t N>
std::string ConvTranspose<N>::class_name() const {
  return transpose_name<N>();
}

template <std::size_t N>
Config ConvTranspose<N>::config() const {
  Config config = this->base_config();
  config["filters"] = filters_;
  config["kernel_size"] = kernel_size_.vector();
  config["strides"] = options_.strides.vector();
  config["padding"] = options_.padding;
  config["output_padding"] = options_.output_padding.given() ? Config(options_.output_padding.vector()) : Config();
  config["data_format"] = options_.data_format;
  config["dilation_rate"] = options_.dilation_rate.vector();
  config["activation"] = activation_.config();
  config["use_bias"] = options_.use_bias;
  weight_options::write(config, options_);
  return config;
}

template class ConvTranspose<1>;
template class ConvTranspose<2>;
template class ConvTranspose<3>;

}  // namespace nyala
