#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomHue::RandomHue(Factor factor, RandomColorOptions options)
    : LayerOf(options), factor_(image::resolved(factor, 0.0, 1.0, "RandomHue: factor")), range_(options.value_range) {
  set_up(options, "RandomHue");
}

RandomHue RandomHue::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomHue(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomHue::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const Tensor side = where(uniform(count, 0.0, 1.0) > 0.5, -1.0, 1.0);
  const Tensor turn = squeeze(cast(side, images.dtype()) * uniform(count, factor_.lower(), factor_.upper()) * 0.5, -1);
  const Tensor hsv = rgb_to_hsv(image::rescaled(images, range_, {0.0, 1.0}), "channels_last");
  std::vector<Tensor> planes = unstack(hsv, -1);
  Tensor hue = planes[0] + turn;
  hue = where(hue > 1.0, hue - 1.0, hue);
  planes[0] = where(hue < 0.0, hue + 1.0, hue);
  const Tensor rgb = clip(hsv_to_rgb(stack(planes, -1), "channels_last"), 0.0, 1.0);
  return image::rescaled(rgb, {0.0, 1.0}, range_);
}

Config RandomHue::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
