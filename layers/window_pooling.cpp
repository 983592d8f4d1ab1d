#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

template <class Self, std::size_t N>
WindowPooling<Self, N>::WindowPooling(Dims<N> pool_size, PoolingOptions<N> options)
    : LayerOf<Self>(options), pool_size_(pool_size), options_(options) {
  const std::string name = WindowPooling::class_name();
  if (!options.strides.given()) options_.strides = pool_size;
  spatial::require_positive(pool_size.vector(), name + ": pool_size");
  spatial::require_positive(options_.strides.vector(), name + ": strides");
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
  window_ = pool_size.vector();
  arguments_ = {.strides = options_.strides.vector(), .padding = options_.padding, .data_format = options_.data_format};
}

template <class Self, std::size_t N>
Self WindowPooling<Self, N>::from_config(const Config& config) {
  return Self(spatial::dims<N>(config.get("pool_size"), 2),
              with_base(PoolingOptions<N>{.strides = spatial::dims<N>(config.get("strides"), {}),
                                          .padding = config.get("padding", "valid"),
                                          .data_format = config.get("data_format", "")},
                        config));
}

template <class Self, std::size_t N>
Shape WindowPooling<Self, N>::compute_output_shape(const Shape& input) const {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(options_.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    output[first + i] = spatial::output_length(input[first + i], pool_size_[i], options_.strides[i], 1,
                                               options_.padding, this->label());
  }
  return output;
}

template <class Self, std::size_t N>
std::string WindowPooling<Self, N>::class_name() const {
  return Self::kind + std::to_string(N) + "D";
}

template <class Self, std::size_t N>
KerasForm WindowPooling<Self, N>::keras_form() const {
  KerasForm form;
  form.built_when_made = true;
  return form;
}

template <class Self, std::size_t N>
Config WindowPooling<Self, N>::config() const {
  Config config = this->base_config();
  config["pool_size"] = pool_size_.vector();
  config["padding"] = options_.padding;
  config["strides"] = options_.strides.vector();
  config["data_format"] = options_.data_format;
  return config;
}

template <std::size_t N>
MaxPooling<N>::MaxPooling(Dims<N> pool_size, PoolingOptions<N> options)
    : WindowPooling<MaxPooling<N>, N>(pool_size, std::move(options)) {}

template <std::size_t N>
Tensor MaxPooling<N>::forward(const Tensor& x, bool) {
  return max_pool(x, this->window_, this->arguments_);
}

template <std::size_t N>
AveragePooling<N>::AveragePooling(Dims<N> pool_size, PoolingOptions<N> options)
    : WindowPooling<AveragePooling<N>, N>(pool_size, std::move(options)) {}

template <std::size_t N>
Tensor AveragePooling<N>::forward(const Tensor& x, bool) {
  return average_pool(x, this->window_, this->arguments_);
}

template class WindowPooling<MaxPooling<1>, 1>;
template class MaxPooling<1>;
template class WindowPooling<MaxPooling<2>, 2>;
template class MaxPooling<2>;
template class WindowPooling<MaxPooling<3>, 3>;
template class MaxPooling<3>;
template class WindowPooling<AveragePooling<1>, 1>;
template class AveragePooling<1>;
template class WindowPooling<AveragePooling<2>, 2>;
template class AveragePooling<2>;
template class WindowPooling<AveragePooling<3>, 3>;
template class AveragePooling<3>;

}  // namespace nyala
