#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_support.hpp"

namespace nyala {

MaxNumBoundingBoxes::MaxNumBoundingBoxes(std::int64_t max_number, ImageOptions options)
    : LayerOf(options), max_number_(max_number) {
  set_up(options, "MaxNumBoundingBoxes");
  if (max_number < 0) {
    throw Error("MaxNumBoundingBoxes: max_number must not be negative, got " + std::to_string(max_number));
  }
}

MaxNumBoundingBoxes MaxNumBoundingBoxes::from_config(const Config& config) {
  return MaxNumBoundingBoxes(config.at("max_number").as_integer(), image::with_image(ImageOptions{}, config));
}

Tensor MaxNumBoundingBoxes::transform(const Tensor& images, bool) { return images; }

Config MaxNumBoundingBoxes::config() const {
  Config config = ImageLayer::config();
  config["max_number"] = max_number_;
  return config;
}

}  // namespace nyala
