#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

RandomInvert::RandomInvert(RandomInvertOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomInvert");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandomInvert: factor");
}

RandomInvert RandomInvert::from_config(const Config& config) {
  RandomInvertOptions options{.factor = image::factor(config.get("factor"), 1.0),
                              .value_range = image::value_range(config.get("value_range"))};
  return RandomInvert(image::with_image(std::move(options), config));
}

Tensor RandomInvert::transform(const Tensor& images, bool) {
  return where(chosen(images.shape()[0], options_.factor), options_.value_range.high - images, images);
}

Config RandomInvert::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  config["value_range"] = image::to_config(options_.value_range);
  return config;
}

}  // namespace nyala
