#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

template <std::size_t N>
GlobalAveragePooling<N>::GlobalAveragePooling(GlobalPoolingOptions options)
    : LayerOf<GlobalAveragePooling<N>>(options), options_(options) {
  options_.data_format = spatial::data_format(options.data_format, class_name());
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
GlobalAveragePooling<N> GlobalAveragePooling<N>::from_config(const Config& config) {
  return GlobalAveragePooling(with_base(
      GlobalPoolingOptions{.data_format = config.get("data_format", ""), .keepdims = config.get("keepdims", false)},
      config));
}

template <std::size_t N>
Tensor GlobalAveragePooling<N>::forward(const Tensor& x, bool) {
  std::vector<int> axes;
  for (std::size_t i = 0; i < N; ++i) {
    axes.push_back(static_cast<int>(spatial::first_spatial(options_.data_format) + i));
  }
  return mean(x, Axes(axes), options_.keepdims);
}

template <std::size_t N>
Tensors GlobalAveragePooling<N>::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const bool masked = N == 1 && !context.masks.empty() && context.masks.front().defined();
  if (!masked) return forward(x, context.training);
  const int steps = options_.data_format == "channels_first" ? 2 : 1;
  const Tensor keep = expand_dims(cast(context.masks.front(), x.dtype()), steps == 2 ? 1 : 2);
  return sum(x * keep, steps, options_.keepdims) / sum(keep, steps, options_.keepdims);
}

template <std::size_t N>
std::vector<Tensor> GlobalAveragePooling<N>::compute_masks(const Tensors&, const std::vector<Tensor>&) const {
  return {};
}

template <std::size_t N>
bool GlobalAveragePooling<N>::supports_masking() const {
  return N == 1;
}

template <std::size_t N>
Shape GlobalAveragePooling<N>::compute_output_shape(const Shape& input) const {
  const std::size_t channels = spatial::channel_axis(options_.data_format, input.size());
  if (!options_.keepdims) return {input[0], input[channels]};
  Shape output = input;
  for (std::size_t i = 0; i < N; ++i) output[spatial::first_spatial(options_.data_format) + i] = 1;
  return output;
}

template <std::size_t N>
std::string GlobalAveragePooling<N>::class_name() const {
  return "GlobalAveragePooling" + std::to_string(N) + "D";
}

template <std::size_t N>
Config GlobalAveragePooling<N>::config() const {
  Config config = this->base_config();
  config["data_format"] = options_.data_format;
  config["keepdims"] = options_.keepdims;
  return config;
}

template class GlobalAveragePooling<1>;
template class GlobalAveragePooling<2>;
template class GlobalAveragePooling<3>;

}  // namespace nyala
