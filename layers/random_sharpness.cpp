#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomSharpness::RandomSharpness(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, 0.0, 1.0, "RandomSharpness: factor")),
      range_(image::sorted(options.value_range, "RandomSharpness")) {
  set_up(options, "RandomSharpness");
}

RandomSharpness RandomSharpness::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomSharpness(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomSharpness::transform(const Tensor& images, bool) {
  const Tensor sharpness = uniform(images.shape()[0], factor_.lower(), factor_.upper()) * 2.0;
  const std::int64_t channels = images.shape()[3];
  std::vector<double> weights(9, 1.0 / 13.0);
  weights[4] = 5.0 / 13.0;
  const Tensor kernel =
      tile(cast(tensor(weights, {3, 3, 1, 1}), images.dtype()).to(images.device()), {1, 1, channels, 1});
  const Tensor smooth = depthwise_conv(images, kernel, {}, {.padding = "same", .data_format = "channels_last"});
  return clip(images + (1.0 - sharpness) * (smooth - images), range_.low, range_.high);
}

Config RandomSharpness::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
