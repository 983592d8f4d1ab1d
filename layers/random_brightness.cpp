#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomBrightness::RandomBrightness(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, -1.0, 1.0, "RandomBrightness: factor")),
      range_(image::sorted(options.value_range, "RandomBrightness")) {
  set_up(options, "RandomBrightness");
}

RandomBrightness RandomBrightness::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomBrightness(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomBrightness::transform(const Tensor& images, bool) {
  const Tensor change = uniform(images.shape()[0], factor_.lower(), factor_.upper()) * (range_.high - range_.low);
  return clip(images + change, range_.low, range_.high);
}

Config RandomBrightness::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
