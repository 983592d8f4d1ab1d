#include <nyala/layers/image_geometry.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

CenterCrop::CenterCrop(std::int64_t height, std::int64_t width, ImageOptions options)
    : LayerOf(options), height_(height), width_(width) {
  set_up(options, "CenterCrop");
  image::require_size(height, width, "CenterCrop");
}

CenterCrop CenterCrop::from_config(const Config& config) {
  return CenterCrop(config.at("height").as_integer(), config.at("width").as_integer(),
                    image::with_image(ImageOptions{}, config));
}

Tensor CenterCrop::transform(const Tensor& images, bool) {
  const Shape& shape = images.shape();
  const std::int64_t rows = shape[1] - height_, columns = shape[2] - width_;
  if (rows >= 0 && columns >= 0) {
    return slice(images, {0, rows / 2, columns / 2, 0}, {shape[0], height_, width_, shape[3]});
  }
  return resize_image(images, {height_, width_}, {.crop_to_aspect_ratio = true, .data_format = "channels_last"});
}

Config CenterCrop::config() const {
  Config config = ImageLayer::config();
  config["height"] = height_;
  config["width"] = width_;
  return config;
}

}  // namespace nyala
