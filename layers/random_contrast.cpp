#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomContrast::RandomContrast(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, 0.0, 1.0, "RandomContrast: factor")),
      range_(options.value_range) {
  set_up(options, "RandomContrast");
}

RandomContrast RandomContrast::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomContrast(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomContrast::transform(const Tensor& images, bool) {
  const Tensor strength = uniform(images.shape()[0], 1.0 - factor_.lower(), 1.0 + factor_.upper());
  const Tensor middle = mean(images, {1, 2}, true);
  return clip((images - middle) * strength + middle, range_.low, range_.high);
}

Config RandomContrast::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
