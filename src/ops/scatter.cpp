#include "ops/scatter.hpp"

#include <algorithm>
#include <limits>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

namespace nyala {

namespace {

using autograd::Backward;

/// Positions (…, depth) in a tensor of `shape` as row numbers (n,) of that tensor with its first `depth` axes
/// flattened.
struct Rows {
  Rows(const Tensor& indices, const Shape& updates, const Shape& shape, const char* op) {
    const Tensor positions = ops::integer_indices(indices, op);
    const Shape& from = positions.shape();
    const std::int64_t depth = from.empty() ? 0 : from.back();
    if (from.empty() || depth < 1 || depth > shape.rank()) {
      ops::fail(op, ": indices must be (…, depth) with depth from 1 to ", shape.rank(), ", got ", from);
    }
    Shape expected(from.begin(), from.end() - 1);
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (static_cast<std::int64_t>(i) < depth)
        count *= shape[i];
      else {
        inner *= shape[i];
        expected.push_back(shape[i]);
      }
    }
    if (updates != expected) {
      ops::fail(op, ": indices ", from, " into ", shape, " need values of shape ", expected, ", got ", updates);
    }
    const std::int64_t n = positions.size() / depth;
    const Tensor table = detail::alias(positions, {n, depth});
    for (std::int64_t i = 0; i < depth; ++i) {
      const std::int64_t size = shape[static_cast<std::size_t>(i)];
      const Tensor column = cast(index(table, {Slice{}, i}), DType::int64);
      const Tensor checked = ops::checked_indices(column, size, op);
      numbers = numbers.defined() ? numbers * size + checked : checked;
    }
  }
  Tensor numbers;
  std::int64_t count = 1, inner = 1;  // rows there are, elements of each
};

/// Which rows are the last that name their number.
Tensor winners(const Rows& rows) {
  const std::int64_t n = rows.numbers.size();
  const Tensor order = arange(0.0, static_cast<double>(n), 1.0, DType::int64).to(rows.numbers.device());
  Tensor last = ops::filled({rows.count}, DType::int64, rows.numbers.device(), -1.0);
  backend::kernels(order).scatter_nd(detail::alias(rows.numbers, {n, 1}), order, false, last);
  return equal(ops::taken(last, rows.numbers, 0, "scatter_update"), order);
}

void require_segments(const Tensor& data, const Tensor& ids, std::int64_t count, const char* op) {
  ops::require_numbers(data, op);
  if (ids.rank() != 1 || data.rank() == 0 || data.shape()[0] != ids.shape()[0]) {
    ops::fail(op, ": takes data (n, …) and segment ids (n,), got ", data.shape(), " and ", ids.shape());
  }
  if (count < 0) ops::fail(op, ": num_segments must not be negative, got ", count);
}

Tensor segment_numbers(const Tensor& data, const Tensor& ids, std::int64_t count, const char* op) {
  const Tensor numbers = ops::integer_indices(ids, op);
  require_segments(data, numbers, count, op);
  if (numbers.device().kind() != Device::Kind::cpu) {
    return numbers.size() == 0 ? numbers : ops::within(numbers, count, std::string(op) + ": a segment is not below ");
  }
  // Segments have no end to be counted from.
  for (const std::int64_t id : numbers.to_vector<std::int64_t>()) {
    if (id < 0 || id >= count) ops::fail(op, ": segment ", id, " is not in [0, ", count, ")");
  }
  return numbers;
}

double lowest(DType dtype) {
  switch (dtype) {
    case DType::int8: return std::numeric_limits<std::int8_t>::min();
    case DType::int16: return std::numeric_limits<std::int16_t>::min();
    case DType::int32: return std::numeric_limits<std::int32_t>::min();
    case DType::int64: return static_cast<double>(std::numeric_limits<std::int64_t>::min());
    default: return is_floating(dtype) ? -std::numeric_limits<double>::infinity() : 0.0;
  }
}

}  // namespace

Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape) {
  ops::require_numbers(values, "scatter");
  const Rows rows(indices, values.shape(), shape, "scatter");
  const Tensor table = reshape(values, {rows.numbers.size(), rows.inner});
  return reshape(ops::added_rows(rows.numbers, table, 0, rows.count, "scatter"), shape);
}

Tensor scatter_update(const Tensor& inputs, const Tensor& indices, const Tensor& updates) {
  ops::require_numbers(inputs, "scatter_update");
  ops::require_numbers(updates, "scatter_update");
  const Rows rows(indices, updates.shape(), inputs.shape(), "scatter_update");
  const Tensor values = ops::as_dtype(updates, inputs.dtype(), inputs, "scatter_update");
  Tensor y = inputs.clone();
  const std::int64_t n = rows.numbers.size();
  if (values.size() > 0) {
    Tensor table = detail::alias(y, {rows.count, rows.inner});
    backend::kernels(inputs, values, rows.numbers)
        .scatter_nd(detail::alias(rows.numbers, {n, 1}), detail::alias(values, {n, rows.inner}), false, table);
  }
  if (autograd::recording(inputs, values)) {
    autograd::attach(y, "scatter_update", {inputs, values}, [indices, rows, shape = values.shape()](Backward& g) {
      if (g.needs(0)) g.set(0, scatter_update(g.grad(), indices, ops::zeros_for(g.grad(), shape)));
      if (g.needs(1)) {
        const Tensor table = reshape(g.grad(), {rows.count, rows.inner});
        const Tensor taken = ops::taken(table, rows.numbers, 0, "scatter_update");
        g.set(1, reshape(where(expand_dims(winners(rows), 1), taken, 0.0), shape));
      }
    });
  }
  return y;
}

Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments) {
  const Tensor numbers = segment_numbers(data, segment_ids, num_segments, "segment_sum");
  return ops::added_rows(numbers, data, 0, num_segments, "segment_sum");
}

Tensor segment_max(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments) {
  const Tensor numbers = segment_numbers(data, segment_ids, num_segments, "segment_max");
  Shape shape = data.shape();
  shape[0] = num_segments;
  Tensor y = ops::filled(shape, data.dtype(), data.device(), lowest(data.dtype()));
  if (data.size() > 0) backend::kernels(data, numbers).segment_max(data, numbers, y);
  if (autograd::recording(data)) {
    autograd::attach(y, "segment_max", {data},
                     [data, numbers, num_segments, saved = autograd::save_output(y)](Backward& g) {
                       const Tensor found = equal(data, take(saved, numbers, 0));
                       const Tensor ties = segment_sum(cast(found, data.dtype()), numbers, num_segments);
                       g.set(0, where(found, take(divide_no_nan(g.grad(), ties), numbers, 0), 0.0));
                     });
  }
  return y;
}

}  // namespace nyala
