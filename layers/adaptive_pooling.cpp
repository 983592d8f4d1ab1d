#include <nyala/error.hpp>
#include <nyala/layers/pooling.hpp>

#include "spatial.hpp"

namespace nyala {

namespace {

struct Window {
  std::int64_t begin, end;
};

Window window(std::int64_t i, std::int64_t count, std::int64_t length) {
  return {i * length / count, ((i + 1) * length + count - 1) / count};
}

/// One axis after the other: means and greatest values of boxes may be taken so.
template <class Reduce>
Tensor pooled(Tensor x, const std::vector<std::int64_t>& sizes, std::size_t first, const Reduce& reduce) {
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const int axis = static_cast<int>(first + i);
    const std::int64_t length = x.shape()[first + i], count = sizes[i];
    if (count == length) continue;
    if (length == 0) throw Error("an axis of size 0 cannot be pooled, the shape is " + x.shape().str());
    if (length % count == 0) {
      Shape split = x.shape();
      split[first + i] = count;
      split.insert(first + i + 1, length / count);
      x = reduce(reshape(x, split), axis + 1);
      continue;
    }
    std::vector<Tensor> cells;
    for (std::int64_t cell = 0; cell < count; ++cell) {
      const Window w = window(cell, count, length);
      std::vector<std::int64_t> start(x.shape().size(), 0);
      start[first + i] = w.begin;
      Shape shape = x.shape();
      shape[first + i] = w.end - w.begin;
      cells.push_back(reduce(slice(x, start, shape), axis));
    }
    x = stack(cells, axis);
  }
  return x;
}

template <std::size_t N>
Shape pooled_shape(const Shape& input, const Dims<N>& sizes, const std::string& data_format) {
  Shape output = input;
  for (std::size_t i = 0; i < N; ++i) output[spatial::first_spatial(data_format) + i] = sizes[i];
  return output;
}

template <std::size_t N>
Config with_sizes(Config config, const Dims<N>& sizes, const std::string& data_format) {
  config["output_size"] = sizes.vector();
  config["data_format"] = data_format;
  return config;
}

}  // namespace

template <std::size_t N>
AdaptiveAveragePooling<N>::AdaptiveAveragePooling(Dims<N> output_size, AdaptivePoolingOptions options)
    : LayerOf<AdaptiveAveragePooling<N>>(options), output_size_(output_size), options_(options) {
  options_.data_format = spatial::data_format(options.data_format, class_name());
  spatial::require_positive(output_size.vector(), class_name() + ": output_size");
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
AdaptiveAveragePooling<N> AdaptiveAveragePooling<N>::from_config(const Config& config) {
  return AdaptiveAveragePooling(
      spatial::dims<N>(config.at("output_size"), 1),
      with_base(AdaptivePoolingOptions{.data_format = config.get("data_format", "")}, config));
}

template <std::size_t N>
Tensor AdaptiveAveragePooling<N>::forward(const Tensor& x, bool) {
  return pooled(x, output_size_.vector(), spatial::first_spatial(options_.data_format),
                [](const Tensor& part, int axis) { return mean(part, axis); });
}

template <std::size_t N>
Shape AdaptiveAveragePooling<N>::compute_output_shape(const Shape& input) const {
  return pooled_shape(input, output_size_, options_.data_format);
}

template <std::size_t N>
std::string AdaptiveAveragePooling<N>::class_name() const {
  return "AdaptiveAveragePooling" + std::to_string(N) + "D";
}

template <std::size_t N>
Config AdaptiveAveragePooling<N>::config() const {
  return with_sizes(this->base_config(), output_size_, options_.data_format);
}

template <std::size_t N>
AdaptiveMaxPooling<N>::AdaptiveMaxPooling(Dims<N> output_size, AdaptivePoolingOptions options)
    : LayerOf<AdaptiveMaxPooling<N>>(options), output_size_(output_size), options_(options) {
  options_.data_format = spatial::data_format(options.data_format, class_name());
  spatial::require_positive(output_size.vector(), class_name() + ": output_size");
  this->set_input_spec({{.rank = static_cast<int>(N) + 2}});
}

template <std::size_t N>
AdaptiveMaxPooling<N> AdaptiveMaxPooling<N>::from_config(const Config& config) {
  return AdaptiveMaxPooling(spatial::dims<N>(config.at("output_size"), 1),
                            with_base(AdaptivePoolingOptions{.data_format = config.get("data_format", "")}, config));
}

template <std::size_t N>
Tensor AdaptiveMaxPooling<N>::forward(const Tensor& x, bool) {
  return pooled(x, output_size_.vector(), spatial::first_spatial(options_.data_format),
                [](const Tensor& part, int axis) { return max(part, axis); });
}

template <std::size_t N>
Shape AdaptiveMaxPooling<N>::compute_output_shape(const Shape& input) const {
  return pooled_shape(input, output_size_, options_.data_format);
}

template <std::size_t N>
std::string AdaptiveMaxPooling<N>::class_name() const {
  return "AdaptiveMaxPooling" + std::to_string(N) + "D";
}

template <std::size_t N>
Config AdaptiveMaxPooling<N>::config() const {
  return with_sizes(this->base_config(), output_size_, options_.data_format);
}

template class AdaptiveAveragePooling<1>;
template class AdaptiveAveragePooling<2>;
template class AdaptiveAveragePooling<3>;
template class AdaptiveMaxPooling<1>;
template class AdaptiveMaxPooling<2>;
template class AdaptiveMaxPooling<3>;

}  // namespace nyala
