#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <nyala/tensor.hpp>

namespace nyala {

// Operations on images: (height, width, channels) or (batch, height, width, channels), channels first if data_format
// says so ("" is the global one). Differentiable in the images. https://keras.io/api/ops/image/

struct ResizeArguments {
  /// "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
  std::string interpolation = "bilinear";
  /// Widens the kernel where the image shrinks.
  bool antialias = false;
  /// Cuts the largest centred window of the target's aspect ratio first, or fills up to it.
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false;
  double fill_value = 0.0;
  std::string data_format = {};
};
Tensor resize_image(const Tensor& images, const std::array<std::int64_t, 2>& size, const ResizeArguments& arguments);

struct SamplingArguments {
  /// "nearest" or "bilinear".
  std::string interpolation = "bilinear";
  /// What lies outside: "constant", "nearest", "wrap", "mirror" or "reflect".
  std::string fill_mode = "constant";
  double fill_value = 0.0;
  std::string data_format = {};
};
/// transform: (8,) or (batch, 8), a0 a1 a2 b0 b1 b2 c0 c1: the output's (x, y) is taken from the input's
/// (a0 x + a1 y + a2, b0 x + b1 y + b2).
Tensor affine_transform(const Tensor& images, const Tensor& transform, const SamplingArguments& arguments = {});
/// The images such that what was at start_points comes to end_points; (4, 2) or (batch, 4, 2), rows (x, y).
Tensor perspective_transform(const Tensor& images, const Tensor& start_points, const Tensor& end_points,
                             const SamplingArguments& arguments = {});
/// Values of `images` at fractional rows and columns, (batch, height, width) each: the size of the result.
Tensor sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                    const SamplingArguments& arguments = {});

/// Convolution with a normalised Gaussian; kernel_size and sigma are {horizontal, vertical}; outside is zero.
Tensor gaussian_blur(const Tensor& images, const std::array<std::int64_t, 2>& kernel_size = {3, 3},
                     const std::array<double, 2>& sigma = {1.0, 1.0}, const std::string& data_format = {});

/// One channel: 0.2989 red + 0.587 green + 0.114 blue; grey images stay as they are.
Tensor rgb_to_grayscale(const Tensor& images, const std::string& data_format = {});
/// Hue, saturation and value in [0, 1], of floating images in [0, 1].
Tensor rgb_to_hsv(const Tensor& images, const std::string& data_format = {});
Tensor hsv_to_rgb(const Tensor& images, const std::string& data_format = {});

}  // namespace nyala
