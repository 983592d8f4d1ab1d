#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomColorDegeneration::RandomColorDegeneration(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, -1.0, 1.0, "RandomColorDegeneration: factor")),
      range_(image::sorted(options.value_range, "RandomColorDegeneration")) {
  set_up(options, "RandomColorDegeneration");
}

RandomColorDegeneration RandomColorDegeneration::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomColorDegeneration(image::factor(config.at("factor"), 0.0),
                                 image::with_image(std::move(options), config));
}

Tensor RandomColorDegeneration::transform(const Tensor& images, bool) {
  const Tensor part = uniform(images.shape()[0], factor_.lower(), factor_.upper());
  const Tensor grey = rgb_to_grayscale(images, "channels_last");
  return clip(images + part * (grey - images), range_.low, range_.high);
}

Config RandomColorDegeneration::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
