#include <cmath>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/ops/nn.hpp>

#include "ops/image.hpp"

namespace nyala {

namespace {

std::vector<double> gaussian(std::int64_t size, double sigma) {
  std::vector<double> values(static_cast<std::size_t>(size));
  double sum = 0.0;
  for (std::int64_t i = 0; i < size; ++i) {
    const double distance = (static_cast<double>(i) - static_cast<double>(size - 1) / 2.0) / sigma;
    sum += values[static_cast<std::size_t>(i)] = std::exp(-0.5 * distance * distance);
  }
  for (double& value : values) value /= sum;
  return values;
}

/// One axis after the other: the two-dimensional kernel is their product.
Tensor along(const Tensor& x, const std::vector<double>& kernel, bool vertical) {
  const auto size = static_cast<std::int64_t>(kernel.size());
  const std::int64_t channels = x.shape().back();
  const Tensor column = cast(tensor(kernel, vertical ? Shape{size, 1, 1, 1} : Shape{1, size, 1, 1}), x.dtype());
  return depthwise_conv(x, tile(column.to(x.device()), {1, 1, channels, 1}), {},
                        {.padding = "same", .data_format = "channels_last"});
}

}  // namespace

Tensor gaussian_blur(const Tensor& images, const std::array<std::int64_t, 2>& kernel_size,
                     const std::array<double, 2>& sigma, const std::string& data_format) {
  const ops::ImageLayout layout(images, data_format, "gaussian_blur");
  for (const std::int64_t size : kernel_size) {
    if (size < 1) ops::fail("gaussian_blur: kernel_size must be positive, got ", size);
  }
  for (const double width : sigma) {
    if (!(width > 0.0)) ops::fail("gaussian_blur: sigma must be positive, got ", width);
  }
  const Tensor x = ops::in_floating(layout.images(), "gaussian_blur");
  const Tensor y = along(x, gaussian(kernel_size[0], sigma[0]), false);
  return layout.back(along(y, gaussian(kernel_size[1], sigma[1]), true));
}

}  // namespace nyala
