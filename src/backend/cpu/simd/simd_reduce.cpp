#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "backend/common/axis_split.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {
namespace {

/// x's axes with neighbours of one kind merged: kept or reduced. At most four are of interest.
struct Pattern {
  Pattern(const Shape& shape, std::span<const int> axes) {
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const std::int64_t size = shape[static_cast<std::size_t>(axis)];
      const bool reduces = std::find(axes.begin(), axes.end(), axis) != axes.end();
      if (reduces) reduced_elements *= size;
      if (size == 1) continue;
      if (count > 0 && reduced[count - 1] == reduces) {
        sizes[count - 1] *= size;
      } else {
        sizes[count] = size;
        reduced[count++] = reduces;
      }
    }
  }
  std::size_t count = 0;
  std::int64_t reduced_elements = 1;
  std::array<std::int64_t, Shape::max_rank> sizes{};
  std::array<bool, Shape::max_rank> reduced{};
};

double beginning(Reduce op) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return op == Reduce::max ? -infinity : op == Reduce::min ? infinity : 0.0;
}

double joined(Reduce op, double a, double b) {
  return op == Reduce::max ? scalar::maximum(a, b) : op == Reduce::min ? scalar::minimum(a, b) : a + b;
}

double whole_row(Reduce op, SimdTable::RowReduction loop, const float* x, std::int64_t n) {
  constexpr std::int64_t grain = 2 * cheap_grain;
  if (n <= grain) return loop(x, n);
  std::array<double, detail::Chunks::most> parts;
  detail::parallel_chunks(0, n, grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(chunk)] = loop(x + begin, end - begin);
  });
  double total = beginning(op);
  for (std::int64_t chunk = 0; chunk < detail::Chunks::of(n, grain).count; ++chunk) {
    total = joined(op, total, parts[static_cast<std::size_t>(chunk)]);
  }
  return total;
}

/// totals (n,) of rows; wide rows are cut by columns, others by rows. Halves: n <= half_block.
void columns(Reduce op, SimdTable::ColumnReduction loop, const Tensor& x, std::int64_t rows, std::int64_t n,
             double* totals) {
  std::fill_n(totals, n, beginning(op));
  const auto add = [&](std::int64_t begin, std::int64_t end, double* to) {
    if (!is_half(x.dtype())) return loop(floats(x) + begin * n, end - begin, n, 0, n, to);
    alignas(64) float block[half_block];
    for_half_rows(begin, end, n, [&](std::int64_t row, std::int64_t some) {
      loop(widened(x, row * n, some * n, block), some, n, 0, n, to);
    });
  };
  if (n >= 8192) {
    return detail::parallel_for(
        0, n, 2048, [&](std::int64_t begin, std::int64_t end) { loop(floats(x), rows, n, begin, end, totals); });
  }
  const std::int64_t grain = rows_grain(n, 2 * cheap_grain);
  if (rows <= grain) return add(0, rows, totals);
  const std::int64_t count = detail::Chunks::of(rows, grain).count;
  std::vector<double> parts(static_cast<std::size_t>(count * n), beginning(op));
  detail::parallel_chunks(0, rows, grain, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    add(begin, end, parts.data() + chunk * n);
  });
  for (std::int64_t chunk = 0; chunk < count; ++chunk) {
    for (std::int64_t k = 0; k < n; ++k) {
      totals[k] = joined(op, totals[k], parts[static_cast<std::size_t>(chunk * n + k)]);
    }
  }
}

std::optional<Binary> joining(Reduce op) {
  switch (op) {
    case Reduce::sum:
    case Reduce::mean: return Binary::add;
    case Reduce::max: return Binary::maximum;
    case Reduce::min: return Binary::minimum;
    default: return std::nullopt;
  }
}

/// x (outer, rows, n) over the rows, which are few: row by row, in float32.
void few_rows(SimdTable::BinaryLoop join, double share, const float* x, std::int64_t outer, std::int64_t rows,
              std::int64_t n, const SimdTable& table, float* to) {
  detail::parallel_for(0, outer, rows_grain(rows * n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      const float* const first = x + o * rows * n;
      join(first, first + n, to + o * n, n);
      for (std::int64_t row = 2; row < rows; ++row) join(to + o * n, first + row * n, to + o * n, n);
    }
    if (share != 1) table.scale(static_cast<float>(share), to + begin * n, (end - begin) * n);
  });
}

}  // namespace

/// More than one group of axes with kept ones between: one group after the other.
void SimdKernels::reduce_group(Reduce op, const Tensor& x, std::span<const std::int64_t> sizes,
                               std::span<const bool> reduced, Tensor& out) {
  Shape shape, left;
  std::vector<int> others;
  const auto first = static_cast<std::size_t>(std::find(reduced.begin(), reduced.end(), true) - reduced.begin());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    shape.push_back(sizes[i]);
    left.push_back(i == first ? 1 : sizes[i]);
    if (reduced[i] && i != first) others.push_back(static_cast<int>(i));
  }
  Tensor part = Tensor::empty(left, x.dtype());
  const int axis = static_cast<int>(first);
  reduce(op, detail::view(x, 0, shape), std::span(&axis, 1), part);
  const bool sums = op == Reduce::sum_of_squares || op == Reduce::sum_of_abs;
  reduce(sums ? Reduce::sum : op, part, others, out);
}

void SimdKernels::reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) {
  const auto by_row = table_.reduce_row(op);
  const auto by_column = table_.reduce_columns(op);
  const Pattern p(x.shape(), axes);
  const bool by_columns = p.count == 2 && p.reduced[0];
  const double share = op == Reduce::mean ? 1.0 / static_cast<double>(p.reduced_elements) : 1.0;
  const auto finish = [share](double total) { return static_cast<float>(total * share); };
  if (by_row != nullptr && is_half(x.dtype()) && x.dtype() == out.dtype() && x.size() > 0) {
    if (by_columns && p.sizes[1] <= half_block) {
      std::array<double, half_block> totals;
      std::array<float, half_block> results;
      columns(op, by_column, x, p.sizes[0], p.sizes[1], totals.data());
      std::transform(totals.begin(), totals.begin() + p.sizes[1], results.begin(), finish);
      return narrow(results.data(), out, 0, p.sizes[1]);
    }
    Widened wide(*this);
    reduce(op, wide.in(x), axes, wide.out(out));
    return wide.finish();
  }
  if (!all_float32(x, out) || by_row == nullptr || x.size() == 0) return ReferenceKernels::reduce(op, x, axes, out);
  const float* from = floats(x);
  float* to = floats(out);
  if (p.count == 0 || (p.count == 1 && !p.reduced[0])) {
    for (std::int64_t i = 0; i < x.size(); ++i) to[i] = finish(by_row(from + i, 1));
  } else if (p.count == 1) {
    to[0] = finish(whole_row(op, by_row, from, x.size()));
  } else if (p.count == 2 && p.reduced[1]) {
    const std::int64_t n = p.sizes[1];
    detail::parallel_for(0, p.sizes[0], rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) to[r] = finish(by_row(from + r * n, n));
    });
  } else if (by_columns) {
    std::vector<double> totals(static_cast<std::size_t>(p.sizes[1]));
    columns(op, by_column, x, p.sizes[0], p.sizes[1], totals.data());
    std::transform(totals.begin(), totals.end(), to, finish);
  } else if (p.count == 3 && p.reduced[1]) {
    const std::int64_t rows = p.sizes[1], n = p.sizes[2];
    const auto join = joining(op);
    if (join && rows >= 2 && rows <= 8) {
      return few_rows(table_.binary(*join, Operands::both), share, from, p.sizes[0], rows, n, table_, to);
    }
    detail::parallel_for(0, p.sizes[0], rows_grain(rows * n), [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> totals(static_cast<std::size_t>(n));
      for (std::int64_t o = begin; o < end; ++o) {
        std::fill(totals.begin(), totals.end(), beginning(op));
        by_column(from + o * rows * n, rows, n, 0, n, totals.data());
        std::transform(totals.begin(), totals.end(), to + o * n, finish);
      }
    });
  } else if (p.count == 3 && p.reduced[0]) {
    const std::int64_t outer = p.sizes[0], kept = p.sizes[1], n = p.sizes[2];
    std::vector<double> parts(static_cast<std::size_t>(outer * kept));
    detail::parallel_for(0, outer * kept, rows_grain(n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) parts[static_cast<std::size_t>(r)] = by_row(from + r * n, n);
    });
    for (std::int64_t k = 0; k < kept; ++k) {
      double total = beginning(op);
      for (std::int64_t o = 0; o < outer; ++o) total = joined(op, total, parts[static_cast<std::size_t>(o * kept + k)]);
      to[k] = finish(total);
    }
  } else {
    reduce_group(op, x, std::span(p.sizes).first(p.count), std::span(p.reduced).first(p.count), out);
  }
}

void SimdKernels::arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32) {
  const AxisSplit split(x.shape(), axis);
  if (x.dtype() != DType::float32 || split.inner != 1) {
    return ReferenceKernels::arg_reduce(maximum, x, axis, out_int32);
  }
  const float* from = floats(x);
  std::int32_t* to = out_int32.data<std::int32_t>();
  detail::parallel_for(0, split.outer, rows_grain(split.n), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      to[r] = static_cast<std::int32_t>(table_.arg_extreme(maximum, from + r * split.n, split.n));
    }
  });
}

}  // namespace nyala::backend
