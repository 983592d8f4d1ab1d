#include <nyala/layers/image_geometry.hpp>

#include "image_affine.hpp"

namespace nyala {

namespace {

Factor translation_range(const Factor& factor, const char* what) { return image::resolved(factor, -1.0, 1.0, what); }

}  // namespace

RandomTranslation::RandomTranslation(Factor height_factor, Factor width_factor, RandomTransformOptions options)
    : LayerOf(options), height_factor_(height_factor), width_factor_(width_factor), options_(std::move(options)) {
  set_up(options_, "RandomTranslation");
  translation_range(height_factor, "RandomTranslation: height_factor");
  translation_range(width_factor, "RandomTranslation: width_factor");
  image::check_transform(options_, "RandomTranslation");
}

RandomTranslation RandomTranslation::from_config(const Config& config) {
  return RandomTranslation(image::factor(config.at("height_factor"), 0.0),
                           image::factor(config.at("width_factor"), 0.0),
                           image::transform_options(RandomTransformOptions{}, config));
}

Tensor RandomTranslation::transform(const Tensor& images, bool) {
  const std::int64_t count = images.shape()[0];
  const Factor rows = translation_range(height_factor_, "height_factor"),
               columns = translation_range(width_factor_, "width_factor");
  const std::vector<double> down = image::drawn(count, rows.lower(), rows.upper(), seed());
  const std::vector<double> right = image::drawn(count, columns.lower(), columns.upper(), seed());
  std::vector<image::Matrix> matrices;
  for (std::size_t i = 0; i < down.size(); ++i) {
    matrices.push_back({1.0, 0.0, -right[i] * static_cast<double>(images.shape()[2]), 0.0, 1.0,
                        -down[i] * static_cast<double>(images.shape()[1])});
  }
  return image::moved(images, matrices, options_);
}

Config RandomTranslation::config() const {
  Config config = image::with_transform(random_config(), options_);
  config["height_factor"] = image::as_given(height_factor_);
  config["width_factor"] = image::as_given(width_factor_);
  return config;
}

}  // namespace nyala
