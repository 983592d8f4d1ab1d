#include <nyala/layers/image_geometry.hpp>

#include "image_support.hpp"

namespace nyala {

RandomFlip::RandomFlip(const std::string& mode, RandomImageOptions options) : LayerOf(options), mode_(mode) {
  set_up(options, "RandomFlip");
  image::require_one_of(mode, {"horizontal", "vertical", "horizontal_and_vertical"}, "RandomFlip: mode");
}

RandomFlip RandomFlip::from_config(const Config& config) {
  return RandomFlip(config.get("mode", "horizontal_and_vertical"), image::with_image(RandomImageOptions{}, config));
}

Tensor RandomFlip::transform(const Tensor& images, bool) {
  std::vector<int> axes;
  if (mode_ != "horizontal") axes.push_back(1);
  if (mode_ != "vertical") axes.push_back(2);
  return where(chosen(images.shape()[0], {0.5, 0.5}), flip(images, Axes(axes)), images);
}

Config RandomFlip::config() const {
  Config config = random_config();
  config["mode"] = mode_;
  return config;
}

}  // namespace nyala
