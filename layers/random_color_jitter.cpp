#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

namespace {

std::optional<Factor> optional_factor(const Config& config) {
  if (config.is_null()) return std::nullopt;
  return image::factor(config, 0.0);
}

}  // namespace

RandomColorJitter::RandomColorJitter(RandomColorJitterOptions options)
    : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomColorJitter");
  // One stream each, or they would all draw the same numbers.
  std::int64_t number = 0;
  const auto own = [&] {
    RandomColorOptions step{.value_range = options_.value_range, .data_format = data_format(), .dtype = options_.dtype};
    if (options_.seed) step.seed = *options_.seed + ++number;
    return step;
  };
  if (options_.brightness_factor)
    steps_.push_back(track(RandomBrightness(*options_.brightness_factor, own()), "random_brightness"));
  if (options_.contrast_factor)
    steps_.push_back(track(RandomContrast(*options_.contrast_factor, own()), "random_contrast"));
  if (options_.saturation_factor)
    steps_.push_back(track(RandomSaturation(*options_.saturation_factor, own()), "random_saturation"));
  if (options_.hue_factor) steps_.push_back(track(RandomHue(*options_.hue_factor, own()), "random_hue"));
}

RandomColorJitter RandomColorJitter::from_config(const Config& config) {
  RandomColorJitterOptions options{.value_range = image::value_range(config.get("value_range")),
                                   .brightness_factor = optional_factor(config.get("brightness_factor")),
                                   .contrast_factor = optional_factor(config.get("contrast_factor")),
                                   .saturation_factor = optional_factor(config.get("saturation_factor")),
                                   .hue_factor = optional_factor(config.get("hue_factor"))};
  return RandomColorJitter(image::with_image(std::move(options), config));
}

Tensor RandomColorJitter::transform(const Tensor& given, bool) {
  Tensor images = channels_first() ? transpose(given, {0, 3, 1, 2}) : given;
  for (const LayerRef& step : steps_) images = step(images, true);
  return channels_first() ? transpose(images, {0, 2, 3, 1}) : images;
}

Config RandomColorJitter::config() const {
  Config config = random_config();
  config["value_range"] = image::to_config(options_.value_range);
  const auto put = [&](const char* key, const std::optional<Factor>& factor) {
    config[key] = factor ? image::as_given(*factor) : Config();
  };
  put("brightness_factor", options_.brightness_factor);
  put("contrast_factor", options_.contrast_factor);
  put("saturation_factor", options_.saturation_factor);
  put("hue_factor", options_.hue_factor);
  return config;
}

}  // namespace nyala
