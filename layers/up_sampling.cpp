#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

#include "spatial.hpp"

namespace nyala {

namespace {

template <std::size_t N>
Shape upsampled(const Shape& input, const Dims<N>& size, const std::string& data_format) {
  Shape output = input;
  const std::size_t first = spatial::first_spatial(data_format);
  for (std::size_t i = 0; i < N; ++i) {
    if (output[first + i] != None) output[first + i] *= size[i];
  }
  return output;
}

/// `size` cells for each along the axis, between it and the next: the first is the cell itself, the last cell's are all
/// alike.
Tensor between_corners(const Tensor& x, int axis, std::int64_t size) {
  const std::int64_t cells = x.shape().at(axis);
  if (size == 1 || cells == 0) return x;
  const Tensor next = take(x, minimum(arange(cells) + 1, cells - 1), axis);
  std::vector<Tensor> parts;
  for (std::int64_t part = 0; part < size; ++part) {
    const double share = static_cast<double>(part) / static_cast<double>(size);
    parts.push_back(part == 0 ? x : x * (1.0 - share) + next * share);
  }
  Shape shape = x.shape();
  shape[static_cast<std::size_t>(axis)] *= size;
  return reshape(stack(parts, axis + 1), shape);
}

}  // namespace

UpSampling1D::UpSampling1D(int size, BaseOptions options) : LayerOf(options), size_(size) {
  if (size < 1) throw Error("UpSampling1D: size must be positive, got " + std::to_string(size));
  set_input_spec({{.rank = 3}});
}

UpSampling1D UpSampling1D::from_config(const Config& config) {
  return UpSampling1D(config.get("size", 2), with_base(BaseOptions{}, config));
}

Tensor UpSampling1D::forward(const Tensor& x, bool) { return repeat(x, size_, 1); }

Shape UpSampling1D::compute_output_shape(const Shape& input) const {
  return {input[0], input[1] == None ? None : input[1] * size_, input[2]};
}

Config UpSampling1D::config() const {
  Config config = base_config();
  config["size"] = size_;
  return config;
}

UpSampling2D::UpSampling2D(Dims<2> size, UpSampling2DOptions options)
    : LayerOf(options), size_(size), options_(options) {
  spatial::require_positive(size.vector(), "UpSampling2D: size");
  options_.data_format = spatial::data_format(options.data_format, "UpSampling2D");
  const std::string& mode = options.interpolation;
  constexpr std::array modes{"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"};
  if (std::none_of(modes.begin(), modes.end(), [&](const char* known) { return mode == known; })) {
    throw Error(
        "UpSampling2D: interpolation must be \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\" or "
        "\"lanczos5\", got \"" +
        mode + "\"");
  }
  set_input_spec({{.rank = 4}});
}

UpSampling2D UpSampling2D::from_config(const Config& config) {
  UpSampling2D layer(spatial::dims<2>(config.get("size"), 2),
                     with_base(UpSampling2DOptions{.data_format = config.get("data_format", ""),
                                                   .interpolation = config.get("interpolation", "nearest")},
                               config));
  layer.counts_from_corners_ = config.get("nyala_counts_from_corners", false);
  return layer;
}

Tensor UpSampling2D::forward(const Tensor& x, bool) {
  if (options_.interpolation == "nearest") return upsample(x, size_.vector(), options_.data_format);
  const std::size_t first = spatial::first_spatial(options_.data_format);
  if (counts_from_corners_) {
    const int rows = static_cast<int>(first);
    return between_corners(between_corners(x, rows, size_[0]), rows + 1, size_[1]);
  }
  return resize(x, {x.shape()[first] * size_[0], x.shape()[first + 1] * size_[1]}, options_.interpolation,
                options_.data_format);
}

Shape UpSampling2D::compute_output_shape(const Shape& input) const {
  return upsampled(input, size_, options_.data_format);
}

Config UpSampling2D::config() const {
  Config config = base_config();
  config["size"] = size_.vector();
  config["data_format"] = options_.data_format;
  config["interpolation"] = options_.interpolation;
  if (counts_from_corners_) config["nyala_counts_from_corners"] = true;
  return config;
}

UpSampling3D::UpSampling3D(Dims<3> size, UpSampling3DOptions options)
    : LayerOf(options), size_(size), data_format_(spatial::data_format(options.data_format, "UpSampling3D")) {
  spatial::require_positive(size.vector(), "UpSampling3D: size");
  set_input_spec({{.rank = 5}});
}

UpSampling3D UpSampling3D::from_config(const Config& config) {
  return UpSampling3D(spatial::dims<3>(config.get("size"), 2),
                      with_base(UpSampling3DOptions{.data_format = config.get("data_format", "")}, config));
}

Tensor UpSampling3D::forward(const Tensor& x, bool) { return upsample(x, size_.vector(), data_format_); }
Shape UpSampling3D::compute_output_shape(const Shape& input) const { return upsampled(input, size_, data_format_); }

Config UpSampling3D::config() const {
  Config config = base_config();
  config["size"] = size_.vector();
  config["data_format"] = data_format_;
  return config;
}

}  // namespace nyala
