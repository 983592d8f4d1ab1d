#include "backend/cpu/simd/reduce.hpp"
#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

template <class F>
double row_sum(const float* x, std::int64_t n) {
  return sum_of(x, n, F());
}
template <class F>
SimdTable::RowReduction row_sum_of(F) {
  return &row_sum<F>;
}

double row_max(const float* x, std::int64_t n) { return max_of(x, n); }
double row_min(const float* x, std::int64_t n) {
  Floats best = splat(__builtin_inff());
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) best = minimum(best, load(x + i));
  if (i < n) best = minimum(best, load_part(x + i, n - i, __builtin_inff()));
  return smallest(best);
}

/// Up to 16 rows add up in float32, as in sum_of; all else is double.
template <class F>
void column_sums(const float* x, std::int64_t rows, std::int64_t n, std::int64_t first, std::int64_t last,
                 double* totals) {
  for (std::int64_t r = 0; r < rows; r += 16, x += 16 * n) {
    const std::int64_t count = rows - r < 16 ? rows - r : 16;
    for (std::int64_t k = first; k < last; k += 4 * lanes) {
      Floats sums[4] = {};
      const std::int64_t width = last - k;
      if (width >= 4 * lanes) {
        for (std::int64_t i = 0; i < count; ++i) {
          for (int v = 0; v < 4; ++v) sums[v] += F()(load(x + i * n + k + v * lanes));
        }
      } else {
        for (std::int64_t i = 0; i < count; ++i) {
          for (int v = 0; v * lanes < width; ++v) {
            const std::int64_t left = width - v * lanes;
            const float* from = x + i * n + k + v * lanes;
            sums[v] += F()(left >= lanes ? load(from) : load_part(from, left, 0.0F));
          }
        }
      }
      for (int v = 0; v < 4 && v * lanes < width; ++v) {
        DoublePair pair;
        pair.add(sums[v]);
        pair.add_to(totals + k + v * lanes, width - v * lanes);
      }
    }
  }
}
template <class F>
SimdTable::ColumnReduction column_sums_of(F) {
  return &column_sums<F>;
}

template <class F>
void column_extremes(const float* x, std::int64_t rows, std::int64_t n, std::int64_t first, std::int64_t last,
                     double* totals) {
  for (std::int64_t k = first; k < last; k += lanes) {
    const std::int64_t width = last - k < lanes ? last - k : lanes;
    Floats best{};
    for (std::int64_t i = 0; i < width; ++i) best[i] = static_cast<float>(totals[k + i]);
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = x + r * n + k;
      best = F()(best, width == lanes ? load(from) : load_part(from, width));
    }
    for (std::int64_t i = 0; i < width; ++i) totals[k + i] = static_cast<double>(best[i]);
  }
}
template <class F>
SimdTable::ColumnReduction column_extremes_of(F) {
  return &column_extremes<F>;
}

}  // namespace

SimdTable::RowReduction reduce_row(Reduce op) {
  switch (op) {
    case Reduce::sum:
    case Reduce::mean: return row_sum_of([](Floats x) { return x; });
    case Reduce::sum_of_squares: return row_sum_of([](Floats x) { return x * x; });
    case Reduce::sum_of_abs: return row_sum_of([](Floats x) { return abs(x); });
    case Reduce::max: return &row_max;
    case Reduce::min: return &row_min;
    default: return nullptr;
  }
}

SimdTable::ColumnReduction reduce_columns(Reduce op) {
  switch (op) {
    case Reduce::sum:
    case Reduce::mean: return column_sums_of([](Floats x) { return x; });
    case Reduce::sum_of_squares: return column_sums_of([](Floats x) { return x * x; });
    case Reduce::sum_of_abs: return column_sums_of([](Floats x) { return abs(x); });
    case Reduce::max: return column_extremes_of([](Floats a, Floats b) { return maximum(a, b); });
    case Reduce::min: return column_extremes_of([](Floats a, Floats b) { return minimum(a, b); });
    default: return nullptr;
  }
}

std::int64_t arg_extreme(bool wants_max, const float* x, std::int64_t n) {
  const auto extreme = static_cast<float>(wants_max ? row_max(x, n) : row_min(x, n));
  for (std::int64_t i = 0; i < n; ++i) {
    if (x[i] == extreme || x[i] != x[i]) return i;
  }
  return 0;
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
