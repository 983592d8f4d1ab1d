#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_changes.hpp"
#include "image_support.hpp"

namespace nyala {

RandAugment::RandAugment(RandAugmentOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandAugment");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandAugment: factor");
  if (options_.num_ops < 0) {
    throw Error("RandAugment: num_ops must not be negative, got " + std::to_string(options_.num_ops));
  }
  for (const auto& [attribute, change] : image::changes(options_, true)) steps_.push_back(track(change, attribute));
}

RandAugment RandAugment::from_config(const Config& config) {
  RandAugmentOptions options{.value_range = image::value_range(config.get("value_range")),
                             .num_ops = config.get("num_ops", 2),
                             .factor = image::factor(config.get("factor"), 0.5),
                             .interpolation = config.get("interpolation", "bilinear")};
  return RandAugment(image::with_image(std::move(options), config));
}

Tensor RandAugment::transform(const Tensor& given, bool) {
  const auto count = static_cast<std::int64_t>(steps_.size());
  const Tensor numbers = random::randint({options_.num_ops}, 0, count, DType::int32, seed());
  Tensor images = channels_first() ? transpose(given, {0, 3, 1, 2}) : given;
  for (const int number : numbers.to_vector<int>()) images = steps_[static_cast<std::size_t>(number)](images, true);
  return channels_first() ? transpose(images, {0, 2, 3, 1}) : images;
}

Config RandAugment::config() const {
  Config config = random_config();
  config["value_range"] = image::to_config(options_.value_range);
  config["num_ops"] = options_.num_ops;
  config["factor"] = image::pair(options_.factor);
  config["interpolation"] = options_.interpolation;
  return config;
}

}  // namespace nyala
