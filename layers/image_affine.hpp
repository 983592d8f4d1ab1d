#pragma once

// What the layers that move pixels by a matrix share.

#include <array>
#include <vector>

#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala::image {

template <class O>
void check_transform(const O& options, const std::string& layer) {
  require_one_of(options.fill_mode, {"reflect", "wrap", "constant", "nearest"}, (layer + ": fill_mode").c_str());
  require_one_of(options.interpolation, {"nearest", "bilinear"}, (layer + ": interpolation").c_str());
}

template <class O>
O transform_options(O options, const Config& config) {
  options.fill_mode = config.get("fill_mode", "reflect");
  options.interpolation = config.get("interpolation", "bilinear");
  options.fill_value = config.get("fill_value", 0.0);
  return with_image(std::move(options), config);
}

template <class O>
Config with_transform(Config config, const O& options) {
  config["fill_mode"] = options.fill_mode;
  config["interpolation"] = options.interpolation;
  config["fill_value"] = options.fill_value;
  return config;
}

/// a0 a1 a2 b0 b1 b2 for each image.
using Matrix = std::array<double, 6>;

template <class O>
Tensor moved(const Tensor& images, const std::vector<Matrix>& matrices, const O& options) {
  std::vector<double> values;
  for (const Matrix& matrix : matrices) {
    values.insert(values.end(), matrix.begin(), matrix.end());
    values.insert(values.end(), {0.0, 0.0});
  }
  const Tensor transform = cast(tensor(values, {static_cast<std::int64_t>(matrices.size()), 8}), DType::float32);
  return cast(affine_transform(images, transform,
                               {.interpolation = options.interpolation,
                                .fill_mode = options.fill_mode,
                                .fill_value = options.fill_value,
                                .data_format = "channels_last"}),
              images.dtype());
}

inline std::vector<double> drawn(std::int64_t count, double low, double high, SeedGenerator& seed) {
  return random::uniform({count}, low, high, DType::float32, seed).to_vector<double>();
}

}  // namespace nyala::image
