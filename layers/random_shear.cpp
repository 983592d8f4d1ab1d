#include <nyala/layers/image_geometry.hpp>

#include "image_affine.hpp"

namespace nyala {

namespace {

/// A file holds the range that one number stands for, which reaches below 0.
Factor shear_range(const Factor& factor, const char* what) {
  if (factor.is_one()) {
    const Factor size = image::resolved(factor, 0.0, 1.0, what);
    return {-size.upper(), size.upper()};
  }
  return image::resolved(factor, -1.0, 1.0, what);
}

}  // namespace

RandomShear::RandomShear(Factor x_factor, Factor y_factor, RandomTransformOptions options)
    : LayerOf(options),
      x_factor_(shear_range(x_factor, "RandomShear: x_factor")),
      y_factor_(shear_range(y_factor, "RandomShear: y_factor")),
      options_(std::move(options)) {
  set_up(options_, "RandomShear");
  image::check_transform(options_, "RandomShear");
}

RandomShear RandomShear::from_config(const Config& config) {
  return RandomShear(image::factor(config.get("x_factor"), 0.0), image::factor(config.get("y_factor"), 0.0),
                     image::transform_options(RandomTransformOptions{}, config));
}

Tensor RandomShear::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const std::vector<double> side = image::drawn(count, 0.0, 1.0, seed());
  const std::vector<double> y = image::drawn(count, y_factor_.lower(), y_factor_.upper(), seed());
  const std::vector<double> x = image::drawn(count, x_factor_.lower(), x_factor_.upper(), seed());
  std::vector<image::Matrix> matrices;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double sign = side[i] > 0.5 ? -1.0 : 1.0;
    matrices.push_back({1.0, sign * x[i], 0.0, sign * y[i], 1.0, 0.0});
  }
  return image::moved(images, matrices, options_);
}

Config RandomShear::config() const {
  Config config = image::with_transform(random_config(), options_);
  config["x_factor"] = image::pair(x_factor_);
  config["y_factor"] = image::pair(y_factor_);
  return config;
}

}  // namespace nyala
