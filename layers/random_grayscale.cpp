#include <nyala/error.hpp>
#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomGrayscale::RandomGrayscale(double factor, RandomImageOptions options) : LayerOf(options), factor_(factor) {
  set_up(options, "RandomGrayscale");
  if (!(factor >= 0.0 && factor <= 1.0)) {
    throw Error("RandomGrayscale: factor must lie in [0, 1], got " + Config(factor).json());
  }
}

RandomGrayscale RandomGrayscale::from_config(const Config& config) {
  return RandomGrayscale(config.get("factor", 0.5), image::with_image(RandomImageOptions{}, config));
}

Tensor RandomGrayscale::transform(const Tensor& images, bool) {
  return where(chosen(images.shape()[0], {factor_, factor_}), rgb_to_grayscale(images, "channels_last"), images);
}

Config RandomGrayscale::config() const {
  Config config = ImageLayer::config();
  config["factor"] = factor_;
  return config;
}

}  // namespace nyala
