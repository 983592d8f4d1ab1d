#include <algorithm>
#include <cmath>

#include <nyala/error.hpp>
#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

namespace {

constexpr std::size_t clahe_bins = 256;

/// One channel of one image, divided into tiles; indices beyond the edge are mirrored, the edge repeated.
class Tiles {
 public:
  Tiles(const float* pixels, std::int64_t height, std::int64_t width, std::int64_t stride,
        const std::array<std::int64_t, 2>& grid, double clip_limit)
      : pixels_(pixels), height_(height), width_(width), stride_(stride), grid_(grid) {
    tile_ = {(height + grid[0] - 1) / grid[0], (width + grid[1] - 1) / grid[1]};
    for (std::int64_t row = 0; row < grid[0]; ++row) {
      for (std::int64_t column = 0; column < grid[1]; ++column) tables_.push_back(table(row, column, clip_limit));
    }
  }

  float at(std::int64_t row, std::int64_t column) const {
    const double y = static_cast<double>(row) / static_cast<double>(tile_[0]) - 0.5;
    const double x = static_cast<double>(column) / static_cast<double>(tile_[1]) - 0.5;
    const double top = std::floor(y), left = std::floor(x), down = y - top, right = x - left;
    const std::size_t value = bin(row, column);
    const auto of = [&](double tile_row, double tile_column) {
      const auto r = std::clamp<std::int64_t>(static_cast<std::int64_t>(tile_row), 0, grid_[0] - 1);
      const auto c = std::clamp<std::int64_t>(static_cast<std::int64_t>(tile_column), 0, grid_[1] - 1);
      return tables_[static_cast<std::size_t>(r * grid_[1] + c)][value];
    };
    const double above = of(top, left) * (1.0 - right) + of(top, left + 1.0) * right;
    const double below = of(top + 1.0, left) * (1.0 - right) + of(top + 1.0, left + 1.0) * right;
    return static_cast<float>(above * (1.0 - down) + below * down);
  }

 private:
  static std::int64_t mirrored(std::int64_t place, std::int64_t size) {
    place %= 2 * size;
    return place < size ? place : 2 * size - 1 - place;
  }

  std::size_t bin(std::int64_t row, std::int64_t column) const {
    const float pixel = pixels_[(mirrored(row, height_) * width_ + mirrored(column, width_)) * stride_];
    return pixel > 0.0F ? static_cast<std::size_t>(std::min(pixel, 255.0F)) : 0;
  }

  std::vector<double> table(std::int64_t row, std::int64_t column, double clip_limit) const {
    std::vector<double> counts(clahe_bins);
    for (std::int64_t i = 0; i < tile_[0]; ++i) {
      for (std::int64_t j = 0; j < tile_[1]; ++j) ++counts[bin(row * tile_[0] + i, column * tile_[1] + j)];
    }
    const auto area = static_cast<double>(tile_[0] * tile_[1]);
    if (clip_limit > 0.0) {
      const double limit = clip_limit * area / static_cast<double>(clahe_bins);
      double excess = 0.0;
      for (double& count : counts) {
        excess += std::max(count - limit, 0.0);
        count = std::min(count, limit);
      }
      for (double& count : counts) count += excess / static_cast<double>(clahe_bins);
    }
    for (std::size_t i = 1; i < clahe_bins; ++i) counts[i] += counts[i - 1];
    const double least = counts[0], span = area == least ? 1.0 : area - least;
    for (double& count : counts) count = std::clamp((count - least) * 255.0 / span, 0.0, 255.0);
    return counts;
  }

  const float* pixels_;
  std::int64_t height_, width_, stride_;
  std::array<std::int64_t, 2> grid_, tile_{};
  std::vector<std::vector<double>> tables_;
};

}  // namespace

using Clahe = ContrastLimitedAdaptiveHistogramEqualization;

Clahe::ContrastLimitedAdaptiveHistogramEqualization(ContrastLimitedAdaptiveHistogramEqualizationOptions options)
    : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "ContrastLimitedAdaptiveHistogramEqualization");
  for (const std::int64_t size : options_.tile_grid_size) {
    if (size < 1 || size > 4096) {
      throw Error("ContrastLimitedAdaptiveHistogramEqualization: tile_grid_size must lie in [1, 4096], got " +
                  std::to_string(size));
    }
  }
}

Clahe Clahe::from_config(const Config& config) {
  ContrastLimitedAdaptiveHistogramEqualizationOptions options{
      .value_range = image::value_range(config.get("value_range")), .clip_limit = config.get("clip_limit", 4.0)};
  if (!config.get("tile_grid_size").is_null()) {
    options.tile_grid_size = image::two_sizes(config.at("tile_grid_size"));
  }
  return Clahe(image::with_image(std::move(options), config));
}

Tensor Clahe::forward(const Tensor& x, bool training) { return cast(ImageLayer::forward(x, training), x.dtype()); }

Tensor Clahe::transform(const Tensor& images, bool) {
  const Tensor pixels = image::rescaled(cast(images, DType::float32), options_.value_range, image::bytes);
  const std::vector<float> from = pixels.to_vector<float>();
  std::vector<float> values(from.size());
  const Shape& shape = images.shape();
  for (std::int64_t n = 0; n < shape[0]; ++n) {
    for (std::int64_t channel = 0; channel < shape[3]; ++channel) {
      const std::int64_t start = n * shape[1] * shape[2] * shape[3] + channel;
      const Tiles tiles(from.data() + start, shape[1], shape[2], shape[3], options_.tile_grid_size,
                        options_.clip_limit);
      float* out = values.data() + start;
      for (std::int64_t row = 0; row < shape[1]; ++row) {
        for (std::int64_t column = 0; column < shape[2]; ++column, out += shape[3]) *out = tiles.at(row, column);
      }
    }
  }
  return image::rescaled(tensor(values, shape).to(images.device()), image::bytes, options_.value_range);
}

Config Clahe::config() const {
  Config config = ImageLayer::config();
  config["value_range"] = image::to_config(options_.value_range);
  config["clip_limit"] = options_.clip_limit;
  config["tile_grid_size"] = std::vector<std::int64_t>(options_.tile_grid_size.begin(), options_.tile_grid_size.end());
  return config;
}

}  // namespace nyala
