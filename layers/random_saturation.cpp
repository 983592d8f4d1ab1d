#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomSaturation::RandomSaturation(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, -1.0, 1.0, "RandomSaturation: factor")),
      range_(image::sorted(options.value_range, "RandomSaturation")) {
  set_up(options, "RandomSaturation");
}

RandomSaturation RandomSaturation::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomSaturation(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomSaturation::transform(const Tensor& images, bool) {
  const Tensor drawn = squeeze(uniform(images.shape()[0], factor_.lower(), factor_.upper()), -1);
  std::vector<Tensor> planes = unstack(rgb_to_hsv(images, "channels_last"), -1);
  planes[1] = clip(planes[1] * (drawn / (1.0 - drawn + epsilon())), range_.low, range_.high);
  return hsv_to_rgb(stack(planes, -1), "channels_last");
}

Config RandomSaturation::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
