#include <nyala/error.hpp>
#include <nyala/layers/image_geometry.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomPerspective::RandomPerspective(RandomPerspectiveOptions options)
    : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomPerspective");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandomPerspective: factor");
  if (!(options_.scale >= 0.0 && options_.scale <= 1.0)) {
    throw Error("RandomPerspective: scale must lie in [0, 1], got " + Config(options_.scale).json());
  }
  image::require_one_of(options_.interpolation, {"nearest", "bilinear"}, "RandomPerspective: interpolation");
}

RandomPerspective RandomPerspective::from_config(const Config& config) {
  RandomPerspectiveOptions options{.factor = image::factor(config.get("factor"), 1.0),
                                   .scale = config.get("scale", 1.0),
                                   .interpolation = config.get("interpolation", "bilinear"),
                                   .fill_value = config.get("fill_value", 0.0)};
  return RandomPerspective(image::with_image(std::move(options), config));
}

Tensor RandomPerspective::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const auto right = static_cast<double>(images.shape()[2] - 1), bottom = static_cast<double>(images.shape()[1] - 1);
  const Tensor apply = chosen(count, options_.factor);
  const double reach = 0.5 * options_.scale;
  const Tensor change = random::uniform({count, 4, 2}, -reach, reach, DType::float32, seed());
  const std::vector<double> corners{0.0, 0.0, right, 0.0, 0.0, bottom, right, bottom};
  const Tensor start = broadcast_to(cast(tensor(corners, {1, 4, 2}), DType::float32), {count, 4, 2});
  const Tensor seen = perspective_transform(
      images, start, start + start * change,
      {.interpolation = options_.interpolation, .fill_value = options_.fill_value, .data_format = "channels_last"});
  return where(apply, cast(seen, images.dtype()), images);
}

Config RandomPerspective::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  config["scale"] = options_.scale;
  config["interpolation"] = options_.interpolation;
  config["fill_value"] = options_.fill_value;
  return config;
}

}  // namespace nyala
