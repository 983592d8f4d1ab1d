#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

template <class Self, std::size_t N>
GlobalPooling<Self, N>::GlobalPooling(GlobalPoolingOptions options) : LayerOf<Self>(options), options_(options) {
  options_.data_format = spatial::data_format(options.data_format, GlobalPooling::class_name());
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <class Self, std::size_t N>
Self GlobalPooling<Self, N>::from_config(const Config& config) {
  return Self(with_base(
      GlobalPoolingOptions{.data_format = config.get("data_format", ""), .keepdims = config.get("keepdims", false)},
      config));
}

template <class Self, std::size_t N>
Axes GlobalPooling<Self, N>::spatial_axes() const {
  std::vector<int> axes;
  for (std::size_t i = 0; i < N; ++i) {
    axes.push_back(static_cast<int>(spatial::first_spatial(options_.data_format) + i));
  }
  return Axes(axes);
}

template <class Self, std::size_t N>
Shape GlobalPooling<Self, N>::compute_output_shape(const Shape& input) const {
  const std::size_t channels = spatial::channel_axis(options_.data_format, input.size());
  if (!options_.keepdims) return {input[0], input[channels]};
  Shape output = input;
  for (std::size_t i = 0; i < N; ++i) output[spatial::first_spatial(options_.data_format) + i] = 1;
  return output;
}

template <class Self, std::size_t N>
std::string GlobalPooling<Self, N>::class_name() const {
  return Self::kind + std::to_string(N) + "D";
}

template <class Self, std::size_t N>
KerasForm GlobalPooling<Self, N>::keras_form() const {
  KerasForm form;
  form.built_when_made = true;
  return form;
}

template <class Self, std::size_t N>
Config GlobalPooling<Self, N>::config() const {
  Config config = this->base_config();
  config["data_format"] = options_.data_format;
  config["keepdims"] = options_.keepdims;
  return config;
}

template <std::size_t N>
GlobalMaxPooling<N>::GlobalMaxPooling(GlobalPoolingOptions options)
    : GlobalPooling<GlobalMaxPooling<N>, N>(std::move(options)) {}

template <std::size_t N>
Tensor GlobalMaxPooling<N>::forward(const Tensor& x, bool) {
  return max(x, this->spatial_axes(), this->options_.keepdims);
}

template <std::size_t N>
GlobalAveragePooling<N>::GlobalAveragePooling(GlobalPoolingOptions options)
    : GlobalPooling<GlobalAveragePooling<N>, N>(std::move(options)) {}

template <std::size_t N>
Tensor GlobalAveragePooling<N>::forward(const Tensor& x, bool) {
  return mean(x, this->spatial_axes(), this->options_.keepdims);
}

template <std::size_t N>
Tensors GlobalAveragePooling<N>::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const bool masked = N == 1 && !context.masks.empty() && context.masks.front().defined();
  if (!masked) return forward(x, context.training);
  const int steps = this->options_.data_format == "channels_first" ? 2 : 1;
  const Tensor keep = expand_dims(cast(context.masks.front(), x.dtype()), steps == 2 ? 1 : 2);
  return sum(x * keep, steps, this->options_.keepdims) / sum(keep, steps, this->options_.keepdims);
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
KerasForm GlobalAveragePooling<N>::keras_form() const {
  KerasForm form = GlobalPooling<GlobalAveragePooling<N>, N>::keras_form();
  if (N == 1) form.others = "mask";
  return form;
}

template class GlobalPooling<GlobalMaxPooling<1>, 1>;
template class GlobalMaxPooling<1>;
template class GlobalPooling<GlobalMaxPooling<2>, 2>;
template class GlobalMaxPooling<2>;
template class GlobalPooling<GlobalMaxPooling<3>, 3>;
template class GlobalMaxPooling<3>;
template class GlobalPooling<GlobalAveragePooling<1>, 1>;
template class GlobalAveragePooling<1>;
template class GlobalPooling<GlobalAveragePooling<2>, 2>;
template class GlobalAveragePooling<2>;
template class GlobalPooling<GlobalAveragePooling<3>, 3>;
template class GlobalAveragePooling<3>;

}  // namespace nyala
