#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomPosterization::RandomPosterization(Factor factor, RandomColorOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, 1.0, 8.0, "RandomPosterization: factor")),
      range_(image::sorted(options.value_range, "RandomPosterization")) {
  set_up(options, "RandomPosterization");
}

RandomPosterization RandomPosterization::from_config(const Config& config) {
  RandomColorOptions options{.value_range = image::value_range(config.get("value_range"))};
  return RandomPosterization(image::factor(config.at("factor"), 0.0), image::with_image(std::move(options), config));
}

Tensor RandomPosterization::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const auto fewest = static_cast<std::int64_t>(factor_.lower()), most = static_cast<std::int64_t>(factor_.upper());
  const Shape one_each{count, 1, 1, 1};
  const Tensor bits = fewest == most ? full(one_each, static_cast<double>(most), DType::float32)
                                     : random::randint(one_each, fewest, most, DType::int32, seed());
  const Tensor step = exp2(8.0 - cast(bits, images.dtype()));
  const Tensor pixels = floor(clip(image::rescaled(images, range_, image::bytes), 0.0, 255.0));
  return image::rescaled(floor(pixels / step) * step, image::bytes, range_);
}

Config RandomPosterization::config() const {
  Config config = random_config();
  config["factor"] = image::pair(factor_);
  config["value_range"] = image::to_config(range_);
  return config;
}

}  // namespace nyala
