#include <cmath>

#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_rectangle.hpp"
#include "image_support.hpp"

namespace nyala {

RandomErasing::RandomErasing(RandomErasingOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomErasing");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandomErasing: factor");
  options_.scale = image::resolved(options_.scale, 0.0, 1.0, "RandomErasing: scale");
  if (const std::size_t count = options_.fill_value.size(); count != 0 && count != 1 && count != 3) {
    throw Error("RandomErasing: fill_value must be one number or three, got " + std::to_string(count));
  }
}

RandomErasing RandomErasing::from_config(const Config& config) {
  RandomErasingOptions options{.factor = image::factor(config.get("factor"), 1.0),
                               .scale = image::factor(config.get("scale"), {0.02, 0.33}),
                               .value_range = image::value_range(config.get("value_range"))};
  const Config& fill = config.get("fill_value");
  if (fill.is_number()) options.fill_value = {fill.as_double()};
  if (fill.is_array()) {
    for (const Config& number : fill.items()) options.fill_value.push_back(number.as_double());
  }
  return RandomErasing(image::with_image(std::move(options), config));
}

Tensor RandomErasing::transform(const Tensor& images, bool) {
  const Shape& shape = images.shape();
  const std::int64_t count = shape[0];
  const auto sides = [&](std::int64_t length) {
    std::vector<double> parts =
        random::uniform({count}, options_.scale.lower(), options_.scale.upper(), DType::float32, seed())
            .to_vector<double>();
    for (double& part : parts) part = std::sqrt(part);
    return image::random_span(length, parts, seed());
  };
  const Tensor rectangle =
      image::within(sides(shape[2]), shape[2], false) && image::within(sides(shape[1]), shape[1], true);
  const Tensor apply = chosen(count, options_.factor);
  Tensor fill;
  if (options_.fill_value.empty()) {
    fill = random::normal(shape, 0.0, 1.0, DType::float32, seed()) * options_.value_range.high;
  } else {
    if (options_.fill_value.size() == 3 && shape[3] != 3) {
      throw Error(label() + ": fill_value holds three numbers, images have " + std::to_string(shape[3]) + " channels");
    }
    fill = tensor(options_.fill_value);
  }
  fill = cast(clip(fill, options_.value_range.low, options_.value_range.high), images.dtype());
  return where(rectangle && apply, fill, images);
}

Config RandomErasing::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  config["scale"] = image::pair(options_.scale);
  if (options_.fill_value.empty())
    config["fill_value"] = nullptr;
  else if (options_.fill_value.size() == 1)
    config["fill_value"] = options_.fill_value.front();
  else
    config["fill_value"] = options_.fill_value;
  config["value_range"] = image::to_config(options_.value_range);
  return config;
}

}  // namespace nyala
