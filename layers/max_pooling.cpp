#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

template <std::size_t N>
MaxPooling<N>::MaxPooling(Dims<N> pool_size, PoolingOptions<N> options)
    : LayerOf<MaxPooling<N>>(options), pool_size_(pool_size), options_(options) {
  const std::string name = class_name();
  if (!options.strides.given()) options_.strides = pool_size;
  spatial::require_positive(pool_size.vector(), name + ": pool_size");
  spatial::require_positive(options_.strides.vector(), name + ": strides");
  options_.padding = spatial::padding(options.padding, false, name);
  options_.data_format = spatial::data_format(options.data_format, name);
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
MaxPooling<N> MaxPooling<N>::from_config(const Config& config) {
  return MaxPooling(spatial::dims<N>(config.get("pool_size"), 2),
                    with_base(PoolingOptions<N>{.strides = spatial::dims<N>(config.get("strides"), {}),
                                                .padding = config.get("padding", "valid"),
                                                .data_format = config.get("data_format", "")},
                              config));
}

template <std::size_t N>
Tensor MaxPooling<N>::forward(const Tensor& x, bool) {
  return max_pool(
      x, pool_size_.vector(),
      {.strides = options_.strides.vector(), .padding = options_.padding, .data_format = options_.data_format});
}

template <std::size_t N>
Shape MaxPooling<N>::compute_output_shape(const Shape& input) const {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(options_.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    output[first + i] = spatial::output_length(input[first + i], pool_size_[i], options_.strides[i], 1,
                                               options_.padding, this->label());
  }
  return output;
}

template <std::size_t N>
std::string MaxPooling<N>::class_name() const {
  return "MaxPooling" + std::to_string(N) + "D";
}

template <std::size_t N>
Config MaxPooling<N>::config() const {
  Config config = this->base_config();
  config["pool_size"] = pool_size_.vector();
  config["padding"] = options_.padding;
  config["strides"] = options_.strides.vector();
  config["data_format"] = options_.data_format;
  return config;
}

template class MaxPooling<1>;
template class MaxPooling<2>;
template class MaxPooling<3>;

}  // namespace nyala
