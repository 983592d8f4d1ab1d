// Values between pixels, windows put back together, how alike pictures are; special functions.
#include <algorithm>
#include <cmath>

#include "model/operations/support.hpp"
#include "ops/fill_modes.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

constexpr std::int64_t longest_side = std::int64_t{1} << 24, most_values = std::int64_t{1} << 28;

std::pair<std::int64_t, std::int64_t> two(const Arguments& a, const char* key, std::int64_t otherwise,
                                          std::int64_t least) {
  const Config& value = a.option(key);
  const std::vector<std::int64_t> sizes = value.is_null() ? std::vector<std::int64_t>{otherwise} : value.as_integers();
  if (sizes.empty() || sizes.size() > 2) throw Error(std::string("Fold: ") + key + " must be one or two numbers");
  for (const std::int64_t size : sizes) {
    if (size < least || size > longest_side) throw Error(std::string("Fold: ") + key + " is " + std::to_string(size));
  }
  return {sizes.front(), sizes.back()};
}

/// The opposite of Unfold: windows (batch, channels · window, windows) add up in (batch, channels, height, width).
Tensors fold(const Arguments& a) {
  const auto [height, width] = two(a, "output_size", 0, 1);
  const auto [kh, kw] = two(a, "kernel_size", 1, 1);
  const auto [dh, dw] = two(a, "dilation", 1, 1);
  const auto [ph, pw] = two(a, "padding", 0, 0);
  const auto [sh, sw] = two(a, "stride", 1, 1);
  const Tensor x = a.tensor(0);
  const std::int64_t all_rows = height + 2 * ph, all_columns = width + 2 * pw;
  const std::int64_t rows = (all_rows - dh * (kh - 1) - 1) / sh + 1;
  const std::int64_t columns = (all_columns - dw * (kw - 1) - 1) / sw + 1;
  if (x.rank() != 3) throw Error("Fold: (batch, channels * window, windows) was expected, got " + x.shape().str());
  if (all_rows <= dh * (kh - 1) || all_columns <= dw * (kw - 1) || x.shape()[2] != rows * columns)
    throw Error("Fold: " + std::to_string(x.shape()[2]) + " windows do not make up output_size");
  if (x.shape()[1] % (kh * kw) != 0)
    throw Error("Fold: the size " + std::to_string(x.shape()[1]) + " of axis 1 is no multiple of the window's");
  const std::int64_t maps = x.shape()[0] * (x.shape()[1] / (kh * kw));
  if (all_rows * all_columns > most_values / std::max<std::int64_t>(maps, 1))
    throw Error("Fold: output_size is too large");
  if (kh * kw > most_values / std::max<std::int64_t>(x.shape()[2], 1)) throw Error("Fold: kernel_size is too large");
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < kh; ++i) {
    for (std::int64_t j = 0; j < kw; ++j) {
      for (std::int64_t window = 0; window < rows * columns; ++window) {
        const std::int64_t row = window / columns * sh + i * dh, column = window % columns * sw + j * dw;
        places.push_back(row * all_columns + column);
      }
    }
  }
  const auto count = static_cast<std::int64_t>(places.size());
  const Tensor parts = transpose(reshape(x, {maps, count}), {1, 0});
  const Tensor sums = segment_sum(parts, nyala::tensor(places, {count}), all_rows * all_columns);
  const Tensor whole = reshape(transpose(sums, {1, 0}), {maps, all_rows, all_columns});
  const Tensor inner = cut_at(cut_at(whole, ph, 1)[1], height, 1)[0];
  return reshape(cut_at(cut_at(inner, pw, 2)[1], width, 2)[0], {x.shape()[0], -1, height, width});
}

Tensor channels_last(const Arguments& a, const Tensor& images) {
  return a.text("data_format", "") == "channels_first" ? moveaxis(images, -3, -1) : images;
}

Tensors sobel_edges(const Arguments& a) {
  const Tensor images = channels_last(a, a.tensor(0));
  if (images.rank() != 4) throw Error("SobelEdges: a batch of images was expected, got " + images.shape().str());
  const Tensor across = nyala::tensor(std::vector<double>{-1, 0, 1, -2, 0, 2, -1, 0, 1}, {3, 3, 1, 1});
  const Tensor down = nyala::tensor(std::vector<double>{-1, -2, -1, 0, 0, 0, 1, 2, 1}, {3, 3, 1, 1});
  std::vector<Tensor> edges;
  for (const Tensor& kernel : {down, across}) {
    const Tensor tiled = tile(cast(kernel, images.dtype()), {1, 1, images.shape()[3], 1});
    const Tensor edge = depthwise_conv(images, tiled, {}, {.padding = "same"});
    edges.push_back(a.text("data_format", "") == "channels_first" ? moveaxis(edge, -1, -3) : edge);
  }
  return stack(edges, -1);
}

/// Wang et al. 2004.
Tensors structural_similarity(const Arguments& a) {
  Tensor x = a.tensor(0), y = a.tensor(1);
  const DType dtype = x.dtype(), compute = is_floating(dtype) ? dtype : floatx();
  const bool one = x.rank() == 3;
  if ((!one && x.rank() != 4) || x.rank() != y.rank())
    throw Error("SSIM: two images or two batches of images were expected, got " + x.shape().str() + " and " +
                y.shape().str());
  x = channels_last(a, cast(one ? expand_dims(x, 0) : x, compute));
  y = channels_last(a, cast(one ? expand_dims(y, 0) : y, compute));
  const int size = a.integer("filter_size", 11);
  if (size < 1 || size > x.shape()[1] || size > x.shape()[2])
    throw Error("SSIM: filter_size " + std::to_string(size) + " does not fit images of " + x.shape().str());
  const double sigma = a.number("filter_sigma", 1.5), range = a.number("max_val", 1.0);
  const double c1 = std::pow(a.number("k1", 0.01) * range, 2), c2 = std::pow(a.number("k2", 0.03) * range, 2);
  std::vector<double> bell;
  double total = 0.0;
  for (int i = 0; i < size; ++i) {
    const double place = i - (size - 1) / 2.0;
    bell.push_back(std::exp(-place * place / (2 * sigma * sigma)));
    total += bell.back();
  }
  for (double& value : bell) value /= total;
  const Tensor line = cast(nyala::tensor(bell, {size}), compute);
  const Tensor kernel = tile(reshape(outer(line, line), {size, size, 1, 1}), {1, 1, x.shape()[3], 1});
  const auto blurred = [&](const Tensor& image) { return depthwise_conv(image, kernel); };
  const Tensor mean_x = blurred(x), mean_y = blurred(y);
  const Tensor variances = blurred(x * x) - mean_x * mean_x + (blurred(y * y) - mean_y * mean_y);
  const Tensor covariance = blurred(x * y) - mean_x * mean_y;
  const Tensor map = (mean_x * mean_y * 2.0 + c1) * (covariance * 2.0 + c2) /
                     ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2));
  const Tensor result = cast(mean(map, {1, 2, 3}), dtype);
  return one ? squeeze(result, 0) : result;
}

Tensors map_coordinates(const Arguments& a) {
  const Tensor x = a.tensor(0), given = a.tensor(1);
  const std::string mode = a.text("fill_mode", "constant");
  const int order = a.integer("order", 1);
  if (order != 0 && order != 1) throw Error("MapCoordinates: order must be 0 or 1, got " + std::to_string(order));
  if (given.rank() < 2 || given.shape()[0] != x.rank() || x.size() == 0 || x.rank() > 8)
    throw Error("MapCoordinates: coordinates of shape " + given.shape().str() + " do not fit " + x.shape().str());
  const DType compute = is_floating(x.dtype()) ? x.dtype() : floatx();
  const Tensor flat = cast(reshape(x, {-1}), compute);
  const std::vector<Tensor> coordinates = unstack(cast(given, is_floating(given.dtype()) ? given.dtype() : compute), 0);
  Tensor total;
  for (int corner = 0; corner < (order == 0 ? 1 : 1 << x.rank()); ++corner) {
    Tensor place, weight, inside;
    for (int axis = 0; axis < x.rank(); ++axis) {
      const Tensor& at = coordinates[static_cast<std::size_t>(axis)];
      const std::int64_t size = x.shape().at(axis);
      const Tensor whole = order == 0 ? sign(at) * floor(abs(at) + 0.5) : floor(at);
      const Tensor bounded = where(equal(whole, whole), clip(whole, Tensor(-1e9), Tensor(1e9)), zeros_like(whole));
      const int upper = order == 0 ? 0 : corner >> axis & 1;
      const Tensor position = cast(bounded, DType::int64) + std::int64_t{upper};
      if (order == 1) {
        const Tensor part = upper == 1 ? at - whole : 1.0 - (at - whole);
        weight = weight.defined() ? weight * part : part;
      }
      if (mode == "constant") {
        const Tensor valid = logical_and(greater_equal(position, 0), less(position, Tensor(size)));
        inside = inside.defined() ? logical_and(inside, valid) : valid;
      }
      const Tensor index = ops::cells_of(position, size, mode, "MapCoordinates");
      place = place.defined() ? place * size + index : index;
    }
    Tensor value = take(flat, place);
    if (inside.defined()) value = where(inside, value, full_like(value, a.number("fill_value", 0.0)));
    if (weight.defined()) value = value * cast(weight, compute);
    total = total.defined() ? total + value : value;
  }
  if (is_floating(x.dtype())) return total;
  return cast(sign(total) * floor(abs(total) + 0.5), x.dtype());
}

Tensors segment_prod(const Arguments& a) {
  const Tensor data = a.tensor(0), ids = a.tensor(1);
  const std::int64_t segments = a.option("num_segments").as_integer();
  if (data.rank() == 0 || ids.rank() != 1 || ids.shape()[0] != data.shape()[0])
    throw Error("SegmentProd: segment_ids of shape " + ids.shape().str() + " do not fit " + data.shape().str());
  if (segments < 0 || (data.size() > 0 && segments > most_values / data.size()))
    throw Error("SegmentProd: num_segments is " + std::to_string(segments));
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(data.rank()) + 1, 1);
  sizes[1] = data.shape()[0];
  const Tensor rows = reshape(arange(segments), {segments, 1});
  const Tensor chosen = equal(rows, expand_dims(cast(ids, rows.dtype()), 0));
  sizes[0] = segments;
  return prod(where(reshape(chosen, Shape(sizes)), expand_dims(data, 0), ones_like(expand_dims(data, 0))), {1});
}

Tensor polynomial(const Tensor& x, const std::vector<double>& coefficients) {
  Tensor value = full_like(x, coefficients.back());
  for (std::size_t i = coefficients.size() - 1; i-- > 0;) value = value * x + coefficients[i];
  return value;
}

/// The modified Bessel function of order 0. Abramowitz and Stegun 9.8.1 and 9.8.2, to 2e-7.
Tensors bessel_i0(const Arguments& a) {
  const Tensor given = a.tensor(0);
  const bool wide = given.dtype() == DType::int64 || given.dtype() == DType::float64;
  const Tensor x = abs(wide ? cast(given, DType::float64) : is_floating(given.dtype()) ? given : cast(given, floatx()));
  const Tensor is_small = less(x, 3.75);
  const Tensor near = square(where(is_small, x, zeros_like(x)) / 3.75);
  const Tensor far = where(is_small, full_like(x, 3.75), x);
  const Tensor small = polynomial(near, {1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813});
  const Tensor large = polynomial(3.75 / far, {0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706,
                                               0.02635537, -0.01647633, 0.00392377});
  return where(is_small, small, exp(far) / sqrt(far) * large);
}

Tensors next_after(const Arguments& a) {
  const Tensor x = a.tensor(0), y = a.tensor(1);
  DType dtype = result_type({x.dtype(), y.dtype()});
  if (!is_floating(dtype)) dtype = floatx();
  if (dtype != DType::float32 && dtype != DType::float64)
    throw Error(std::string("Nextafter: float32 or float64 was expected, got ") + name_of(dtype));
  const Shape shape = (zeros_like(cast(x, dtype)) + cast(y, dtype)).shape();
  const auto from = broadcast_to(cast(x, DType::float64), shape).to_vector<double>();
  const auto to = broadcast_to(cast(y, DType::float64), shape).to_vector<double>();
  std::vector<double> result(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    result[i] = dtype == DType::float64
                    ? std::nextafter(from[i], to[i])
                    : double{std::nextafter(static_cast<float>(from[i]), static_cast<float>(to[i]))};
  }
  return cast(nyala::tensor(result, shape), dtype);
}

}  // namespace

std::vector<OperationEntry> sample_operations() {
  return {
      {"Fold", "nn", "output_size kernel_size dilation padding stride", "x", fold},
      {"SobelEdges", "image", "data_format", "images", sobel_edges},
      {"SSIM", "image", "max_val filter_size filter_sigma k1 k2 data_format", "image1 image2", structural_similarity},
      {"MapCoordinates", "image", "order fill_mode fill_value", "inputs coordinates", map_coordinates},
      {"SegmentProd", "math", "num_segments sorted", "data segment_ids", segment_prod},
      {"I0", "numpy", "", "x", bessel_i0, ShapeRule::probe},
      {"Nextafter", "numpy", "", "x1 x2", next_after},
  };
}

}  // namespace nyala::detail
