#include <limits>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/ops/linalg.hpp>

#include "ops/image.hpp"

namespace nyala {

namespace {

double smallest_step(DType dtype) {
  if (dtype == DType::float64) return std::numeric_limits<double>::epsilon();
  if (dtype == DType::float16) return 1.0 / 1024.0;
  return dtype == DType::bfloat16 ? 1.0 / 128.0 : static_cast<double>(std::numeric_limits<float>::epsilon());
}

std::vector<Tensor> planes(const ops::ImageLayout& layout, const char* op) {
  const Tensor& x = layout.images();
  if (!is_floating(x.dtype())) ops::fail(op, ": images must be floating, got ", x.dtype());
  if (x.shape().back() != 3) ops::fail(op, ": images must have 3 channels, got ", x.shape().back());
  return unstack(x, -1);
}

}  // namespace

Tensor rgb_to_grayscale(const Tensor& images, const std::string& data_format) {
  const ops::ImageLayout layout(images, data_format, "rgb_to_grayscale");
  const std::int64_t channels = layout.images().shape().back();
  if (channels == 1) return images;
  if (channels != 3) ops::fail("rgb_to_grayscale: images must have 1 or 3 channels, got ", channels);
  const Tensor x = ops::in_floating(layout.images(), "rgb_to_grayscale");
  const Tensor weights = cast(reshape(tensor({0.2989, 0.587, 0.114}, DType::float64), {3, 1}), x.dtype());
  return layout.back(cast(matmul(x, weights.to(x.device())), images.dtype()));
}

Tensor rgb_to_hsv(const Tensor& images, const std::string& data_format) {
  const ops::ImageLayout layout(images, data_format, "rgb_to_hsv");
  std::vector<Tensor> rgb = planes(layout, "rgb_to_hsv");
  const double least = smallest_step(images.dtype());
  for (Tensor& plane : rgb) plane = where(abs(plane) < least, zeros_like(plane), plane);
  const Tensor &r = rgb[0], &g = rgb[1], &b = rgb[2];
  const Tensor value = maximum(maximum(r, g), b), range = value - minimum(minimum(r, g), b);
  const Tensor one = ones_like(value), zero = zeros_like(value);
  const Tensor saturation = where(value > 0.0, range / where(value > 0.0, value, one), zero);
  const Tensor step = 1.0 / (6.0 * where(range > 0.0, range, one));
  Tensor hue = where(value == g, step * (b - r) + 2.0 / 6.0, step * (r - g) + 4.0 / 6.0);
  hue = where(value == r, step * (g - b), hue);
  hue = where(range > 0.0, hue, zero) + cast(hue < 0.0, hue.dtype());
  return layout.back(stack({hue, saturation, value}, -1));
}

Tensor hsv_to_rgb(const Tensor& images, const std::string& data_format) {
  const ops::ImageLayout layout(images, data_format, "hsv_to_rgb");
  const std::vector<Tensor> hsv = planes(layout, "hsv_to_rgb");
  const Tensor turn = mod(hsv[0], 1.0) * 6.0;
  const Tensor red = clip(abs(turn - 3.0) - 1.0, 0.0, 1.0);
  const Tensor green = clip(2.0 - abs(turn - 2.0), 0.0, 1.0), blue = clip(2.0 - abs(turn - 4.0), 0.0, 1.0);
  std::vector<Tensor> rgb;
  for (const Tensor& colour : {red, green, blue}) rgb.push_back(hsv[2] * (1.0 - hsv[1] + hsv[1] * colour));
  return layout.back(stack(rgb, -1));
}

}  // namespace nyala
