#include <algorithm>

#include <nyala/layers/image_geometry.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomElasticTransform::RandomElasticTransform(RandomElasticTransformOptions options)
    : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomElasticTransform");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandomElasticTransform: factor");
  options_.scale = image::resolved(options_.scale, 0.0, 1.0, "RandomElasticTransform: scale");
  image::require_one_of(options_.interpolation, {"nearest", "bilinear"}, "RandomElasticTransform: interpolation");
  image::require_one_of(options_.fill_mode, {"constant", "nearest", "wrap", "mirror", "reflect"},
                        "RandomElasticTransform: fill_mode");
}

RandomElasticTransform RandomElasticTransform::from_config(const Config& config) {
  RandomElasticTransformOptions options{.factor = image::factor(config.get("factor"), 1.0),
                                        .scale = image::factor(config.get("scale"), 1.0),
                                        .interpolation = config.get("interpolation", "bilinear"),
                                        .fill_mode = config.get("fill_mode", "reflect"),
                                        .fill_value = config.get("fill_value", 0.0),
                                        .value_range = image::value_range(config.get("value_range"))};
  return RandomElasticTransform(image::with_image(std::move(options), config));
}

Tensor RandomElasticTransform::transform(const Tensor& images, bool) {
  const Shape& shape = images.shape();
  const std::int64_t count = shape[0], height = shape[1], width = shape[2];
  const Tensor apply = chosen(count, options_.factor);
  const double strength =
      random::uniform({}, options_.scale.lower(), options_.scale.upper(), DType::float32, seed()).item<double>();
  const double alpha = 0.1 * strength * static_cast<double>(std::max(height, width));
  const double sigma = 0.05 * strength * static_cast<double>(std::min(height, width));
  if (sigma <= 0.0) return images;
  const std::int64_t size = static_cast<std::int64_t>(6.0 * sigma) | 1;
  const auto field = [&] {
    const Tensor noise = random::normal({count, height, width, 1}, 0.0, sigma, DType::float32, seed());
    return squeeze(gaussian_blur(noise, {size, size}, {sigma, sigma}, "channels_last"), -1) * alpha;
  };
  const Tensor columns = reshape(arange(0, static_cast<double>(width), 1, DType::float32), {1, 1, width}) + field();
  const Tensor rows = reshape(arange(0, static_cast<double>(height), 1, DType::float32), {1, height, 1}) + field();
  const Tensor bent = sample_image(images, rows, columns,
                                   {.interpolation = options_.interpolation,
                                    .fill_mode = options_.fill_mode,
                                    .fill_value = options_.fill_value,
                                    .data_format = "channels_last"});
  return clip(where(apply, cast(bent, images.dtype()), images), options_.value_range.low, options_.value_range.high);
}

Config RandomElasticTransform::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  config["scale"] = image::pair(options_.scale);
  config["interpolation"] = options_.interpolation;
  config["fill_mode"] = options_.fill_mode;
  config["fill_value"] = options_.fill_value;
  config["value_range"] = image::to_config(options_.value_range);
  return config;
}

}  // namespace nyala
