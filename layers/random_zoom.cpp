#include <nyala/error.hpp>
#include <nyala/layers/image_geometry.hpp>

#include "image_affine.hpp"

namespace nyala {

namespace {

Factor range(const Factor& factor, const char* what) {
  if (factor.lower() <= -1.0 || factor.upper() <= -1.0) {
    throw Error(std::string(what) + " must be above -1, got " + image::as_given(factor).json());
  }
  return image::resolved(factor, -1.0, 1.0, what);
}

}  // namespace

RandomZoom::RandomZoom(Factor height_factor, RandomZoomOptions options)
    : LayerOf(options), height_factor_(height_factor), options_(std::move(options)) {
  set_up(options_, "RandomZoom");
  range(height_factor, "RandomZoom: height_factor");
  if (options_.width_factor) range(*options_.width_factor, "RandomZoom: width_factor");
  image::check_transform(options_, "RandomZoom");
}

RandomZoom RandomZoom::from_config(const Config& config) {
  RandomZoomOptions options;
  if (!config.get("width_factor").is_null()) options.width_factor = image::factor(config.at("width_factor"), 0.0);
  return RandomZoom(image::factor(config.at("height_factor"), 0.0),
                    image::transform_options(std::move(options), config));
}

Tensor RandomZoom::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const double x = static_cast<double>(images.shape()[2] - 1) / 2.0,
               y = static_cast<double>(images.shape()[1] - 1) / 2.0;
  const auto zooms = [&](const Factor& factor) {
    const Factor parts = range(factor, "RandomZoom");
    return image::drawn(count, 1.0 + parts.lower(), 1.0 + parts.upper(), seed());
  };
  const std::vector<double> rows = zooms(height_factor_);
  const std::vector<double> columns = options_.width_factor ? zooms(*options_.width_factor) : rows;
  std::vector<image::Matrix> matrices;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    matrices.push_back({columns[i], 0.0, x * (1.0 - columns[i]), 0.0, rows[i], y * (1.0 - rows[i])});
  }
  return image::moved(images, matrices, options_);
}

Config RandomZoom::config() const {
  Config config = image::with_transform(random_config(), options_);
  config["height_factor"] = image::as_given(height_factor_);
  config["width_factor"] = options_.width_factor ? image::as_given(*options_.width_factor) : Config();
  return config;
}

}  // namespace nyala
