#include <algorithm>

#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

Tensor pad_constant(const Tensor& x, const std::vector<Padding>& widths, double value) {
  Shape shape = x.shape();
  for (std::size_t i = 0; i < widths.size(); ++i) shape[i] += widths[i].before + widths[i].after;
  shape.elements();  // an Error if they are too many to count
  const std::vector<std::int64_t> strides = ops::row_major_strides(shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) offset += widths[i].before * strides[i];
  Tensor y = ops::filled(shape, x.dtype(), x.device(), value);
  if (x.size() > 0) backend::kernels(x).strided_write(x, y, offset, strides, false);
  if (autograd::recording(x)) {
    autograd::attach(y, "pad", {x}, [offset, strides, from = x.shape()](autograd::Backward& g) {
      g.set(0, ops::strided(g.grad(), offset, strides, from, "pad"));
    });
  }
  return y;
}

/// Which entry of an axis of `size` stands at place i of the padded one, i counted from the axis' first entry.
std::int64_t mirrored(std::int64_t i, std::int64_t size, const std::string& mode) {
  if (mode == "edge" || size == 1) return std::clamp<std::int64_t>(i, 0, size - 1);
  const std::int64_t period = mode == "reflect" ? 2 * (size - 1) : 2 * size;
  const std::int64_t place = (i % period + period) % period;
  if (place < size) return place;
  return mode == "reflect" ? period - place : period - 1 - place;
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<Padding>& pad_width, const std::string& mode, double constant_values) {
  ops::require_numbers(x, "pad");
  if (mode != "constant" && mode != "reflect" && mode != "symmetric" && mode != "edge") {
    ops::fail("pad: the mode must be \"constant\", \"reflect\", \"symmetric\" or \"edge\", got \"", mode, '"');
  }
  if (pad_width.size() != x.shape().size()) {
    ops::fail("pad: one Padding per axis is needed, got ", pad_width.size(), " for shape ", x.shape());
  }
  for (const Padding& width : pad_width) {
    if (width.before < 0 || width.after < 0) {
      ops::fail("pad: widths must not be negative, got (", width.before, ", ", width.after, ")");
    }
    constexpr std::int64_t most = std::int64_t{1} << 40;
    if (width.before > most || width.after > most) {
      ops::fail("pad: widths of ", width.before, " and ", width.after, " are more than any memory holds");
    }
  }
  if (mode == "constant") return pad_constant(x, pad_width, constant_values);
  Tensor y = x;
  for (std::size_t axis = 0; axis < pad_width.size(); ++axis) {
    const auto [before, after] = pad_width[axis];
    if (before == 0 && after == 0) continue;
    const std::int64_t size = x.shape()[axis];
    if (size == 0) ops::fail("pad: the empty axis ", axis, " of ", x.shape(), " has nothing for mode \"", mode, '"');
    std::vector<std::int64_t> from;
    for (std::int64_t i = -before; i < size + after; ++i) from.push_back(mirrored(i, size, mode));
    y = take(y, tensor(from).to(x.device()), static_cast<int>(axis));
  }
  return y;
}

}  // namespace nyala
