#include <cmath>
#include <numbers>

#include <nyala/layers/image_geometry.hpp>

#include "image_affine.hpp"

namespace nyala {

RandomRotation::RandomRotation(Factor factor, RandomTransformOptions options)
    : LayerOf(options),
      factor_(image::resolved(factor, -1.0, 1.0, "RandomRotation: factor")),
      options_(std::move(options)) {
  set_up(options_, "RandomRotation");
  image::check_transform(options_, "RandomRotation");
}

RandomRotation RandomRotation::from_config(const Config& config) {
  return RandomRotation(image::factor(config.at("factor"), 0.0),
                        image::transform_options(RandomTransformOptions{}, config));
}

Tensor RandomRotation::transform(const Tensor& images, bool) {
  const double x = static_cast<double>(images.shape()[2] - 1) / 2.0,
               y = static_cast<double>(images.shape()[1] - 1) / 2.0;
  std::vector<image::Matrix> matrices;
  for (const double turns : image::drawn(images.shape()[0], factor_.lower(), factor_.upper(), seed())) {
    const double angle = 2.0 * std::numbers::pi * turns, c = std::cos(angle), s = std::sin(angle);
    matrices.push_back({c, -s, x - x * c + y * s, s, c, y - x * s - y * c});
  }
  return image::moved(images, matrices, options_);
}

Config RandomRotation::config() const {
  Config config = image::with_transform(random_config(), options_);
  config["factor"] = image::pair(factor_);
  return config;
}

}  // namespace nyala
