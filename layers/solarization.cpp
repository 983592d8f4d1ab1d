#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

namespace {

Factor part(const Factor& given, const char* what) {
  for (const double end : {given.lower(), given.upper()}) {
    if (!(end >= 0.0 && end <= 1.0)) {
      throw Error(std::string(what) + " must lie in [0, 1], got " + image::as_given(given).json());
    }
  }
  if (given.is_one()) return {0.0, given.upper()};
  return {std::min(given.lower(), given.upper()), std::max(given.lower(), given.upper())};
}

}  // namespace

Solarization::Solarization(SolarizationOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "Solarization");
  options_.addition_factor = part(options_.addition_factor, "Solarization: addition_factor");
  options_.threshold_factor = part(options_.threshold_factor, "Solarization: threshold_factor");
  options_.value_range = image::sorted(options_.value_range, "Solarization");
}

Solarization Solarization::from_config(const Config& config) {
  SolarizationOptions options{.addition_factor = image::factor(config.get("addition_factor"), 0.0),
                              .threshold_factor = image::factor(config.get("threshold_factor"), 0.0),
                              .value_range = image::value_range(config.get("value_range"))};
  return Solarization(image::with_image(std::move(options), config));
}

Tensor Solarization::transform(const Tensor& images, bool) {
  // As in Keras, only the upper end is in bytes.
  const auto drawn = [&](const Factor& factor) {
    return uniform(images.shape()[0], factor.lower(), factor.upper() * 255.0);
  };
  const Tensor additions = drawn(options_.addition_factor), thresholds = drawn(options_.threshold_factor);
  const Tensor added = clip(image::rescaled(images, options_.value_range, image::bytes) + additions, 0.0, 255.0);
  return image::rescaled(where(added < thresholds, added, 255.0 - added), image::bytes, options_.value_range);
}

Config Solarization::config() const {
  Config config = random_config();
  config["addition_factor"] = image::pair(options_.addition_factor);
  config["threshold_factor"] = image::pair(options_.threshold_factor);
  config["value_range"] = image::to_config(options_.value_range);
  return config;
}

}  // namespace nyala
