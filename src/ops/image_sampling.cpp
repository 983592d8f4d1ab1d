#include <array>
#include <string>
#include <utility>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/reduction.hpp>

#include "backend/common/image_sampling.hpp"
#include "backend/kernels.hpp"
#include "ops/fill_modes.hpp"
#include "ops/image.hpp"
#include "ops/nn_support.hpp"

namespace nyala {

namespace {

DType coordinate_dtype(const Tensor& given) { return given.dtype() == DType::float64 ? given.dtype() : DType::float32; }

constexpr std::array<std::pair<const char*, backend::FillMode>, 5> fill_modes{
    {{"constant", backend::FillMode::constant},
     {"nearest", backend::FillMode::nearest},
     {"wrap", backend::FillMode::wrap},
     {"mirror", backend::FillMode::mirror},
     {"reflect", backend::FillMode::reflect}}};

backend::FillMode fill_mode_of(const std::string& given, const char* op) {
  std::string names;
  for (std::size_t i = 0; i < fill_modes.size(); ++i) {
    const auto& [name, mode] = fill_modes[i];
    if (given == name) return mode;
    names += std::string(i == 0 ? "" : i + 1 < fill_modes.size() ? ", " : " or ") + "\"" + name + "\"";
  }
  ops::fail(op, ": fill_mode must be ", names, ", got \"", given.substr(0, 40), "\"");
}

/// What the arguments mean to kernels. Throws Error for unknown names.
backend::ImageSampling sampling_of(const SamplingArguments& arguments, const char* op) {
  if (arguments.interpolation != "nearest" && arguments.interpolation != "bilinear") {
    ops::fail(op, ": interpolation must be \"nearest\" or \"bilinear\", got \"", arguments.interpolation, "\"");
  }
  return {arguments.interpolation == "bilinear", fill_mode_of(arguments.fill_mode, op), arguments.fill_value};
}

// Reading is linear in the images, and its derivatives by rows and columns are readings again, with other weights: all
// gradients, those of gradients too, are made of reading and of its adjoint.
Tensor spread(const Tensor& values, const Tensor& rows, const Tensor& columns, const backend::ImageSampling& how,
              const Shape& images);
void set_gradients_of_places(autograd::Backward& g, const Tensor& of, const Tensor& images, const Tensor& rows,
                             const Tensor& columns, const backend::ImageSampling& how);

/// images at the places, in one pass over the result.
Tensor read(const Tensor& images, const Tensor& rows, const Tensor& columns, const backend::ImageSampling& how) {
  const Shape& shape = rows.shape();
  Tensor out = ops::empty_beside(images, {shape[0], shape[1], shape[2], images.shape()[3]});
  if (out.size() > 0) backend::kernels(images, rows, columns).sample_image(images, rows, columns, how, out);
  if (autograd::recording(images, rows, columns)) {
    const auto backward = [=, of = images.shape()](autograd::Backward& g) {
      if (g.needs(0)) g.set(0, spread(g.grad(), rows, columns, how, of));
      set_gradients_of_places(g, g.grad(), images, rows, columns, how);
    };
    autograd::attach(out, "sample_image", {images, rows, columns}, backward);
  }
  return out;
}

/// The adjoint of read: what values at the places are to the cells of images of that shape.
Tensor spread(const Tensor& values, const Tensor& rows, const Tensor& columns, const backend::ImageSampling& how,
              const Shape& images) {
  Tensor out = ops::empty_beside(values, images);
  if (values.size() > 0)
    backend::kernels(values, rows, columns).sample_image_backward(values, rows, columns, how, out);
  else if (out.size() > 0)
    backend::kernels(out).fill(out, 0.0);
  if (autograd::recording(values, rows, columns)) {
    backend::ImageSampling linear = how;
    linear.fill_value = 0.0;
    autograd::attach(out, "sample_image", {values, rows, columns}, [=](autograd::Backward& g) {
      if (g.needs(0)) g.set(0, read(g.grad(), rows, columns, linear));
      set_gradients_of_places(g, values, g.grad(), rows, columns, linear);
    });
  }
  return out;
}

/// Sets those of inputs 1 and 2, rows and columns, of the sum of `of` times what is read there.
void set_gradients_of_places(autograd::Backward& g, const Tensor& of, const Tensor& images, const Tensor& rows,
                             const Tensor& columns, const backend::ImageSampling& how) {
  const auto gradient = [&](int backend::ImageSampling::*order) {
    backend::ImageSampling derivative = how;
    ++(derivative.*order);
    return cast(sum(of * read(images, rows, columns, derivative), -1), rows.dtype());
  };
  // The nearest cell stays the same, and bilinear weights are linear in each.
  if (g.needs(1) && how.bilinear && how.row_order == 0) g.set(1, gradient(&backend::ImageSampling::row_order));
  if (g.needs(2) && how.bilinear && how.column_order == 0) g.set(2, gradient(&backend::ImageSampling::column_order));
}

Tensor sample(const Tensor& images, const Tensor& rows, const Tensor& columns, const backend::ImageSampling& how) {
  const DType places = coordinate_dtype(rows);
  return read(images, cast(rows, places), cast(columns, places), how);
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
Tensor for_each(const Tensor& places, const Tensor& images) {
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

Tensor ops::cells_of(const Tensor& positions, std::int64_t cells, const std::string& fill_mode, const char* op) {
  const auto size = static_cast<double>(cells);
  const Tensor inside = backend::brought_in(cast(positions, DType::float64), size, fill_mode_of(fill_mode, op));
  return cast(clip(inside, 0.0, size - 1.0), DType::int64);
}

Tensor sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                    const SamplingArguments& arguments) {
  const backend::ImageSampling how = sampling_of(arguments, "sample_image");
  const ops::ImageLayout layout(images, arguments.data_format, "sample_image");
  if (rows.rank() != 3 || rows.shape() != columns.shape() || rows.shape()[0] != layout.images().shape()[0]) {
    ops::fail("sample_image: rows and columns must have the shape (batch, height, width), got ", rows.shape(), " and ",
              columns.shape(), " for images ", images.shape());
  }
  const Shape& shape = layout.images().shape();
  if (shape[1] * shape[2] == 0 && rows.size() > 0)
    ops::fail("sample_image: there is no cell to read in images ", images.shape());
  return layout.back(sample(ops::in_floating(layout.images(), "sample_image"), rows, columns, how));
}

Tensor affine_transform(const Tensor& images, const Tensor& transform, const SamplingArguments& arguments) {
  const backend::ImageSampling how = sampling_of(arguments, "affine_transform");
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
  return layout.back(sample(x, for_each(rows, x), for_each(columns, x), how));
}

Tensor perspective_transform(const Tensor& images, const Tensor& start_points, const Tensor& end_points,
                             const SamplingArguments& arguments) {
  const backend::ImageSampling how = sampling_of(arguments, "perspective_transform");
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
  return layout.back(sample(x, for_each(rows, x), for_each(columns, x), how));
}

}  // namespace nyala
