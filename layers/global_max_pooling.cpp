#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

template <std::size_t N>
GlobalMaxPooling<N>::GlobalMaxPooling(GlobalPoolingOptions options)
    : LayerOf<GlobalMaxPooling<N>>(options), options_(options) {
  options_.data_format = spatial::data_format(options.data_format, class_name());
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
GlobalMaxPooling<N> GlobalMaxPooling<N>::from_config(const Config& config) {
  return GlobalMaxPooling(with_base(
      GlobalPoolingOptions{.data_format = config.get("data_format", ""), .keepdims = config.get("keepdims", false)},
      config));
}

template <std::size_t N>
Tensor GlobalMaxPooling<N>::forward(const Tensor& x, bool) {
  std::vector<int> axes;
  for (std::size_t i = 0; i < N; ++i) {
    axes.push_back(static_cast<int>(spatial::first_spatial(options_.data_format) + i));
  }
  return max(x, Axes(axes), options_.keepdims);
}

template <std::size_t N>
Shape GlobalMaxPooling<N>::compute_output_shape(const Shape& input) const {
  const std::size_t channels = spatial::channel_axis(options_.data_format, input.size());
  if (!options_.keepdims) return {input[0], input[channels]};
  Shape output = input;
  for (std::size_t i = 0; i < N; ++i) output[spatial::first_spatial(options_.data_format) + i] = 1;
  return output;
}

template <std::size_t N>
std::string GlobalMaxPooling<N>::class_name() const {
  return "GlobalMaxPooling" + std::to_string(N) + "D";
}

template <std::size_t N>
Config GlobalMaxPooling<N>::config() const {
  Config config = this->base_config();
  config["data_format"] = options_.data_format;
  config["keepdims"] = options_.keepdims;
  return config;
}

template class GlobalMaxPooling<1>;
template class GlobalMaxPooling<2>;
template class GlobalMaxPooling<3>;

}  // namespace nyala
