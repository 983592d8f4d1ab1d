#include <algorithm>

#include <nyala/layers/image_geometry.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

namespace {

/// Keras records the seed that it makes up.
RandomImageOptions with_seed(RandomImageOptions options) {
  if (!options.seed) options.seed = static_cast<std::int64_t>(SeedGenerator().next().seed % 1'000'000'000) + 1;
  return options;
}

}  // namespace

RandomCrop::RandomCrop(std::int64_t height, std::int64_t width, RandomImageOptions given)
    : LayerOf(given), height_(height), width_(width) {
  const RandomImageOptions options = with_seed(given);
  recorded_seed_ = *options.seed;
  set_up(options, "RandomCrop");
  image::require_size(height, width, "RandomCrop");
}

RandomCrop RandomCrop::from_config(const Config& config) {
  RandomCrop layer(config.at("height").as_integer(), config.at("width").as_integer(),
                   image::with_image(RandomImageOptions{}, config));
  layer.at_inference_ = config.get("nyala_at_inference", "");
  return layer;
}

Tensor RandomCrop::transform(const Tensor& images, bool training) {
  const Shape& shape = images.shape();
  const std::int64_t height = shape[1], width = shape[2];
  std::int64_t row = 0, column = 0;
  const bool to_3_5 = at_inference_ == "middle";
  if (to_3_5 && !(training && height >= height_ && width >= width_)) {
    const auto share = [](std::int64_t size, std::int64_t of, std::int64_t to, std::int64_t most) {
      const double wanted = static_cast<double>(size) * static_cast<double>(of) / static_cast<double>(to);
      return static_cast<std::int64_t>(std::clamp(wanted, 1.0, static_cast<double>(most)));
    };
    const std::int64_t rows = share(width, height_, width_, height), columns = share(height, width_, height_, width);
    const Tensor middle =
        slice(images, {0, (height - rows) / 2, (width - columns) / 2, 0}, {shape[0], rows, columns, shape[3]});
    return resize_image(middle, {height_, width_}, {.data_format = "channels_last"});
  }
  if (to_3_5 || (training && height > height_ && width > width_)) {
    row = random::randint({}, 0, height - height_ + 1, DType::int64, seed()).item<std::int64_t>();
    column = random::randint({}, 0, width - width_ + 1, DType::int64, seed()).item<std::int64_t>();
  } else {
    // Keras starts where the largest window of the aspect ratio would, and takes all that follows.
    const auto margin = [](std::int64_t size, std::int64_t other, std::int64_t target, std::int64_t other_target) {
      return (size - std::clamp<std::int64_t>(other * target / other_target, 1, size)) / 2;
    };
    row = margin(height, width, height_, width_);
    column = margin(width, height, width_, height_);
  }
  const std::int64_t rows = std::min(height_, height - row), columns = std::min(width_, width - column);
  const Tensor part = slice(images, {0, row, column, 0}, {shape[0], rows, columns, shape[3]});
  if (rows == height_ && columns == width_) return part;
  return resize_image(part, {height_, width_}, {.data_format = "channels_last"});
}

Config RandomCrop::config() const {
  Config config = ImageLayer::config();
  config["height"] = height_;
  config["width"] = width_;
  config["seed"] = recorded_seed_;
  if (!at_inference_.empty()) config["nyala_at_inference"] = at_inference_;
  return config;
}

}  // namespace nyala
