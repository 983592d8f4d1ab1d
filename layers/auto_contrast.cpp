#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

AutoContrast::AutoContrast(ColorOptions options)
    : LayerOf(options), range_(image::sorted(options.value_range, "AutoContrast")) {
  set_up(options, "AutoContrast");
}

AutoContrast AutoContrast::from_config(const Config& config) {
  ColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return AutoContrast(image::with_image(std::move(options), config));
}

Tensor AutoContrast::transform(const Tensor& images, bool) {
  // Keras' axes 1 and 2 whatever the format: with channels first those are channels and height.
  const Axes axes = channels_first() ? Axes{3, 1} : Axes{1, 2};
  const Tensor pixels = image::rescaled(images, range_, image::bytes);
  const Tensor low = min(pixels, axes, true), scale = 255.0 / (max(pixels, axes, true) - low);
  const Tensor stretched = clip(pixels * scale - low * scale, 0.0, 255.0);
  const Tensor y = image::rescaled(stretched, image::bytes, range_);
  return where(isnan(y), images, y);
}

Config AutoContrast::config() const {
  Config config = ImageLayer::config();
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
