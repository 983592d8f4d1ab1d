#include <cmath>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/linalg.hpp>

#include "backend/kernels.hpp"
#include "ops/image.hpp"
#include "ops/nn_support.hpp"

namespace nyala {

namespace {

DType coordinate_dtype(const Tensor& given) { return given.dtype() == DType::float64 ? given.dtype() : DType::float32; }

/// Whole numbers mirrored at 0 and size - 1.
Tensor mirrored(const Tensor& index, double size) {
  const double last = size - 1.0;
  if (last == 0.0) return zeros_like(index);
  return abs(mod(index + last, 2.0 * last) - last);
}

/// Where a cell outside of [0, size) is taken from; constant fill gives some cell inside.
Tensor inside(const Tensor& index, std::int64_t cells, const std::string& fill_mode) {
  const auto size = static_cast<double>(cells);
  if (fill_mode == "wrap") return mod(index, size);
  if (fill_mode == "mirror") return mirrored(index, size);
  if (fill_mode == "reflect") return floor(mirrored(index * 2.0 + 1.0, 2.0 * size + 1.0) / 2.0);
  return clip(index, 0.0, size - 1.0);
}

Tensor within(const Tensor& index, std::int64_t cells) {
  return index >= 0.0 && index <= static_cast<double>(cells - 1);
}

/// The cells (rows, columns) of every image, whole numbers as floating tensors.
Tensor cells(const Tensor& images, const Tensor& rows, const Tensor& columns, const SamplingArguments& arguments) {
  const Shape& shape = images.shape();
  const std::int64_t batch = shape[0], height = shape[1], width = shape[2], channels = shape[3];
  const Tensor row = cast(inside(rows, height, arguments.fill_mode), DType::int32);
  const Tensor column = cast(inside(columns, width, arguments.fill_mode), DType::int32);
  const Tensor image = reshape(arange(0, static_cast<double>(batch), 1, DType::int32), {batch, 1, 1}).to(row.device());
  const Tensor place = (image * static_cast<int>(height) + row) * static_cast<int>(width) + column;
  const Tensor taken = take(reshape(images, {batch * height * width, channels}), place, 0);
  if (arguments.fill_mode != "constant") return taken;
  const Tensor valid = expand_dims(within(rows, height) && within(columns, width), -1);
  return where(valid, taken, full_like(taken, arguments.fill_value));
}

/// As C's round: halves away from zero.
Tensor nearest(const Tensor& x) { return sign(x) * floor(abs(x) + 0.5); }

backend::FillMode fill_mode_of(const std::string& name) {
  using backend::FillMode;
  if (name == "nearest") return FillMode::nearest;
  if (name == "wrap") return FillMode::wrap;
  if (name == "mirror") return FillMode::mirror;
  return name == "reflect" ? FillMode::reflect : FillMode::constant;
}

/// In one pass over the result.
Tensor by_kernel(const Tensor& images, const Tensor& rows, const Tensor& columns, const SamplingArguments& arguments) {
  const DType places = coordinate_dtype(rows);
  const Shape& shape = rows.shape();
  Tensor out = ops::empty_beside(images, {shape[0], shape[1], shape[2], images.shape()[3]});
  if (out.size() == 0) return out;
  const Tensor row = cast(rows, places), column = cast(columns, places);
  backend::kernels(images, row, column)
      .sample_image(images, row, column,
                    {arguments.interpolation == "bilinear", fill_mode_of(arguments.fill_mode), arguments.fill_value},
                    out);
  return out;
}

Tensor sample(const Tensor& images, const Tensor& rows, const Tensor& columns, const SamplingArguments& arguments) {
  if (images.size() > 0 && !autograd::recording(images, rows, columns))
    return by_kernel(images, rows, columns, arguments);
  if (arguments.interpolation == "nearest") return cells(images, nearest(rows), nearest(columns), arguments);
  const Tensor top = floor(rows), left = floor(columns);
  const Tensor down = expand_dims(cast(rows - top, images.dtype()), -1);
  const Tensor right = expand_dims(cast(columns - left, images.dtype()), -1);
  const Tensor above = cells(images, top, left, arguments) * (1.0 - right) +  //
                       cells(images, top, left + 1.0, arguments) * right;
  const Tensor below = cells(images, top + 1.0, left, arguments) * (1.0 - right) +
                       cells(images, top + 1.0, left + 1.0, arguments) * right;
  return above * (1.0 - down) + below * down;
}

void check(const SamplingArguments& arguments, const char* op) {
  if (arguments.interpolation != "nearest" && arguments.interpolation != "bilinear") {
    ops::fail(op, ": interpolation must be \"nearest\" or \"bilinear\", got \"", arguments.interpolation, "\"");
  }
  for (const char* mode : {"constant", "nearest", "wrap", "mirror", "reflect"}) {
    if (arguments.fill_mode == mode) return;
  }
  ops::fail(op, ": fill_mode must be \"constant\", \"nearest\", \"wrap\", \"mirror\" or \"reflect\", got \"",
            arguments.fill_mode, "\"");
}

struct Grid {
  Tensor x, y;  // (1, 1, width) and (1, height, 1)
};
Grid grid(const Tensor& images, DType dtype) {
  const std::int64_t height = images.shape()[1], width = images.shape()[2];
  const Device device = images.device();
  return {reshape(arange(0, static_cast<double>(width), 1, dtype), {1, 1, width}).to(device),
          reshape(arange(0, static_cast<double>(height), 1, dtype), {1, height, 1}).to(device)};
}

/// One image per element of the batch, at the places where sampling reads.
Tensor spread(const Tensor& places, const Tensor& images) {
  return broadcast_to(places, {images.shape()[0], images.shape()[1], images.shape()[2]});
}

/// The homographies that lead from end_points back to start_points: (batch, 8).
Tensor homographies(const Tensor& start, const Tensor& end) {
  const std::vector<Tensor> from = unstack(start, -1), to = unstack(end, -1);
  const Tensor zero = zeros_like(to[0]), one = ones_like(to[0]);
  const auto rows = [&](const Tensor& target, bool vertical) {
    const Tensor x = -(target * to[0]), y = -(target * to[1]);
    if (vertical) return stack({zero, zero, zero, to[0], to[1], one, x, y}, -1);
    return stack({to[0], to[1], one, zero, zero, zero, x, y}, -1);
  };
  const Tensor matrix = concatenate({rows(from[0], false), rows(from[1], true)}, 1);
  return squeeze(solve(matrix, expand_dims(concatenate({from[0], from[1]}, -1), -1)), -1);
}

Tensor number(const Tensor& of_each, std::int64_t i, const Tensor& images) {
  return reshape(of_each(Slice{}, i), {images.shape()[0], 1, 1});
}

}  // namespace

Tensor sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                    const SamplingArguments& arguments) {
  check(arguments, "sample_image");
  const ops::ImageLayout layout(images, arguments.data_format, "sample_image");
  if (rows.rank() != 3 || rows.shape() != columns.shape() || rows.shape()[0] != layout.images().shape()[0]) {
    ops::fail("sample_image: rows and columns must have the shape (batch, height, width), got ", rows.shape(), " and ",
              columns.shape(), " for images ", images.shape());
  }
  return layout.back(sample(ops::in_floating(layout.images(), "sample_image"), rows, columns, arguments));
}

Tensor affine_transform(const Tensor& images, const Tensor& transform, const SamplingArguments& arguments) {
  check(arguments, "affine_transform");
  const ops::ImageLayout layout(images, arguments.data_format, "affine_transform");
  const Tensor x = ops::in_floating(layout.images(), "affine_transform");
  ops::require_numbers(transform, "affine_transform");
  const std::int64_t batch = x.shape()[0];
  if (transform.shape().empty() || transform.shape().back() != 8 || transform.rank() > 2 ||
      (transform.rank() == 2 && transform.shape()[0] != batch)) {
    ops::fail("affine_transform: transform must have the shape (8,) or (", batch, ", 8), got ", transform.shape());
  }
  if (x.size() == 0) return layout.back(x);
  const DType dtype = coordinate_dtype(transform);
  const Tensor each = broadcast_to(cast(transform, dtype).to(x.device()), {batch, 8});
  const Grid at = grid(x, dtype);
  const Tensor columns = number(each, 0, x) * at.x + number(each, 1, x) * at.y + number(each, 2, x);
  const Tensor rows = number(each, 3, x) * at.x + number(each, 4, x) * at.y + number(each, 5, x);
  return layout.back(sample(x, spread(rows, x), spread(columns, x), arguments));
}

Tensor perspective_transform(const Tensor& images, const Tensor& start_points, const Tensor& end_points,
                             const SamplingArguments& arguments) {
  check(arguments, "perspective_transform");
  const ops::ImageLayout layout(images, arguments.data_format, "perspective_transform");
  const Tensor x = ops::in_floating(layout.images(), "perspective_transform");
  const std::int64_t batch = x.shape()[0];
  for (const Tensor& points : {start_points, end_points}) {
    ops::require_numbers(points, "perspective_transform");
    const Shape& shape = points.shape();
    if (shape != Shape{4, 2} && shape != Shape{batch, 4, 2}) {
      ops::fail("perspective_transform: points must have the shape (4, 2) or (", batch, ", 4, 2), got ", shape);
    }
  }
  if (x.size() == 0) return layout.back(x);
  const auto each = [&](const Tensor& points) {
    return broadcast_to(cast(points, coordinate_dtype(points)).to(x.device()), {batch, 4, 2});
  };
  const Tensor h = homographies(each(start_points), each(end_points));
  const Grid at = grid(x, h.dtype());
  const Tensor scale = number(h, 6, x) * at.x + number(h, 7, x) * at.y + 1.0;
  const Tensor columns = (number(h, 0, x) * at.x + number(h, 1, x) * at.y + number(h, 2, x)) / scale;
  const Tensor rows = (number(h, 3, x) * at.x + number(h, 4, x) * at.y + number(h, 5, x)) / scale;
  return layout.back(sample(x, spread(rows, x), spread(columns, x), arguments));
}

}  // namespace nyala
