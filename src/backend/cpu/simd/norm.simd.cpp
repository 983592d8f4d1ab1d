#include <utility>

#include "backend/cpu/simd/loops.hpp"
#include "backend/cpu/simd/reduce.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

/// The lanes of a row that count, with what stands in for a null operand.
[[gnu::always_inline]] inline Floats get(const float* row, std::int64_t i, std::int64_t n, float otherwise) {
  if (row == nullptr) return splat(otherwise);
  return load_up_to(n - i, row + i, otherwise);
}
[[gnu::always_inline]] inline void put(Floats x, float* row, std::int64_t i, std::int64_t n) {
  store_up_to(n - i, x, row + i);
}

/// totals += terms, in double
[[gnu::always_inline]] inline void add_lanes(Floats terms, double* totals, std::int64_t count) {
  DoublePair pair;
  pair.add(terms);
  pair.add_to(totals, count);
}

/// Calls f(first row, last row, column) for blocks of at most 16 rows, so that memory is read nearly in order. So many
/// numbers may add up in float32 before the sum goes on in double.
template <class F>
[[gnu::always_inline]] inline void for_row_blocks(std::int64_t rows, std::int64_t n, F f) {
  constexpr std::int64_t block = 16;
  for (std::int64_t r = 0; r < rows; r += block) {
    for (std::int64_t k = 0; k < n; k += lanes) f(r, r + block < rows ? r + block : rows, k);
  }
}

}  // namespace

void layer_norm(const float* x, const float* gamma, const float* beta, double epsilon, float* y, float* mean,
                float* inverse_deviation, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
    const double exact_mean = sum_of(x, n, [](Floats value) { return value; }) / static_cast<double>(n);
    const auto center = static_cast<float>(exact_mean);
    // The variance about the rounded mean is too large by the square of what rounding took.
    const double lost = exact_mean - static_cast<double>(center);
    const double squares = sum_of(
        x, n, [=](Floats value) { return (value - center) * (value - center); }, center);
    const double variance = squares / static_cast<double>(n) - lost * lost;
    const auto inverse = static_cast<float>(1 / __builtin_sqrt(variance + epsilon));
    for (std::int64_t i = 0; i < n; i += lanes) {
      const Floats normal = (get(x, i, n, 0.0F) - center) * inverse;
      put(fma(normal, get(gamma, i, n, 1.0F), get(beta, i, n, 0.0F)), y, i, n);
    }
    if (mean != nullptr) mean[r] = center;
    if (inverse_deviation != nullptr) inverse_deviation[r] = inverse;
  }
}

namespace {

/// totals += the sums of gradient, or of gradient * normalised x, over rows [first, last), at most 16, of the columns
/// from k on.
struct LayerNormColumns {
  const float *x, *gradient, *mean, *inverse_deviation;
  std::int64_t n;

  template <bool normalised>
  [[gnu::always_inline]] void add(std::int64_t first, std::int64_t last, std::int64_t k, double* totals) const {
    Floats sum{};
    for (std::int64_t r = first; r < last; ++r) {
      const Floats g = get(gradient + r * n, k, n, 0.0F);
      if constexpr (normalised)
        sum = fma(g, (get(x + r * n, k, n, mean[r]) - mean[r]) * inverse_deviation[r], sum);
      else
        sum += g;
    }
    add_lanes(sum, totals + k, n - k);
  }
};

}  // namespace

void layer_norm_backward(const float* x, const float* gradient, const float* gamma, const float* mean,
                         const float* inverse_deviation, float* dx, double* dgamma, double* dbeta, std::int64_t rows,
                         std::int64_t n) {
  constexpr std::int64_t block = 16;  // rows, and registers, that may add up in float32
  const LayerNormColumns columns{x, gradient, mean, inverse_deviation, n};
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row % block == 0) {
      const std::int64_t last = row + block < rows ? row + block : rows;
      for (std::int64_t k = 0; k < n; k += lanes) {
        if (dgamma != nullptr) columns.add<true>(row, last, k, dgamma);
        if (dbeta != nullptr) columns.add<false>(row, last, k, dbeta);
      }
    }
    const float center = mean[row], inverse = inverse_deviation[row];
    const float *const from = x + row * n, *const g = gradient + row * n;
    const auto normal = [&](std::int64_t i) { return (get(from, i, n, center) - center) * inverse; };
    const auto scaled = [&](std::int64_t i) { return get(g, i, n, 0.0F) * get(gamma, i, n, 1.0F); };
    DoublePair sums, products;
    for (std::int64_t first = 0; first < n; first += block * lanes) {
      const std::int64_t end = first + block * lanes < n ? first + block * lanes : n;
      Floats sum{}, product{};
      for (std::int64_t i = first; i < end; i += lanes) {
        const Floats h = scaled(i);
        sum += h;
        product = fma(h, normal(i), product);
      }
      sums.add(sum);
      products.add(product);
    }
    const auto share = static_cast<float>(sums.sum() / static_cast<double>(n));
    const auto slope = static_cast<float>(products.sum() / static_cast<double>(n));
    for (std::int64_t i = 0; i < n; i += lanes)
      put((scaled(i) - share - normal(i) * slope) * inverse, dx + row * n, i, n);
  }
}

void channel_moments(const float* x, const float* shift, double* sums, double* squares, std::int64_t rows,
                     std::int64_t n) {
  for_row_blocks(
      rows, n, [&](std::int64_t first, std::int64_t last, std::int64_t k) __attribute__((always_inline)) {
        const Floats from = get(shift, k, n, 0.0F);
        DoublePair sum, square;
        for (std::int64_t r = first; r < last; ++r) {
          const Floats value = get(x + r * n, k, n, 0.0F) - from;
          sum.add(value);
          square.add_square(value);
        }
        sum.add_to(sums + k, n - k);
        square.add_to(squares + k, n - k);
      });
}

void channel_products(const float* x, const float* gradient, const float* mean, double* sums, double* products,
                      std::int64_t rows, std::int64_t n) {
  for_row_blocks(
      rows, n, [&](std::int64_t first, std::int64_t last, std::int64_t k) __attribute__((always_inline)) {
        const Floats from = get(mean, k, n, 0.0F);
        Floats sum{}, product{};
        for (std::int64_t r = first; r < last; ++r) {
          const Floats g = get(gradient + r * n, k, n, 0.0F);
          sum += g;
          product = fma(g, get(x + r * n, k, n, 0.0F) - from, product);
        }
        add_lanes(sum, sums + k, n - k);
        add_lanes(product, products + k, n - k);
      });
}

namespace {

/// y = fn(x, element, constants) by channel, where constants(k) are those of the register of channels from k on: they
/// are loaded once for some rows, which stay in the first cache.
template <class Constants, class F>
[[gnu::always_inline]] inline void by_channels(const float* x, float* y, std::int64_t rows, std::int64_t n,
                                               Constants constants, F fn) {
  const std::int64_t most = n < 4096 ? 4096 / n : 1;
  for (std::int64_t first = 0; first < rows; first += most) {
    const std::int64_t begin = first * n, end = (rows - first < most ? rows : first + most) * n;
    for (std::int64_t k = 0; k < n; k += lanes) {
      const auto of_channels = constants(k);
      if (k + lanes <= n) {
        for (std::int64_t i = begin + k; i < end; i += n) store(fn(load(x + i), i, lanes, of_channels), y + i);
      } else {
        for (std::int64_t i = begin + k; i < end; i += n)
          store_part(fn(load_part(x + i, n - k), i, n - k, of_channels), y + i, n - k);
      }
    }
  }
}

struct ScaleConstants {
  Floats center, factor, shift;
  [[gnu::always_inline]] Floats operator()(Floats x) const { return fma(x - center, factor, shift); }
};

[[gnu::always_inline]] inline ScaleConstants scale_of(const simd::ChannelSteps& steps, std::int64_t k, std::int64_t n) {
  return {get(steps.center, k, n, 0.0F), get(steps.factor, k, n, 0.0F), get(steps.shift, k, n, 0.0F)};
}

/// 1 where a value is between floor and ceiling (NaN: no limit) and so follows its argument, else 0.
[[gnu::always_inline]] inline Floats passes(Floats value, const simd::ChannelSteps& steps) {
  return select((value > steps.floor) & ~(value >= steps.ceiling), splat(1.0F), Floats{});
}

template <bool Given, bool Kept>
void gradient_sums(const float* x, const float* y, const float* gradient, const simd::ChannelSteps& steps,
                   float* before, double* sums, double* products, std::int64_t rows, std::int64_t n) {
  for_row_blocks(
      rows, n, [&](std::int64_t first, std::int64_t last, std::int64_t k) __attribute__((always_inline)) {
        const ScaleConstants scale = scale_of(steps, k, n);
        Floats sum{}, product{};
        for (std::int64_t r = first; r < last; ++r) {
          const Floats in = get(x + r * n, k, n, 0.0F);
          const Floats value = Given ? get(y + r * n, k, n, 0.0F) : scale(in);
          const Floats g = get(gradient + r * n, k, n, 0.0F) * passes(value, steps);
          if constexpr (Kept) put(g, before + r * n, k, n);
          sum += g;
          product = fma(g, in - scale.center, product);
        }
        add_lanes(sum, sums + k, n - k);
        add_lanes(product, products + k, n - k);
      });
}

}  // namespace

void channel_gradient(const float* x, const float* y, const float* gradient, const simd::ChannelSteps& steps,
                      float* before, double* sums, double* products, std::int64_t rows, std::int64_t n) {
  const auto run = y == nullptr        ? before == nullptr ? gradient_sums<false, false> : gradient_sums<false, true>
                          : before == nullptr ? gradient_sums<true, false>
                                       : gradient_sums<true, true>;
  run(x, y, gradient, steps, before, sums, products, rows, n);
}

void channel_activate(const float* x, const float* center, const float* factor, const float* shift,
                      const float* residual, float floor, float ceiling, float* y, std::int64_t rows, std::int64_t n) {
  const auto constants = [&](std::int64_t k) {
    return ScaleConstants{get(center, k, n, 0.0F), get(factor, k, n, 0.0F), get(shift, k, n, 0.0F)};
  };
  const auto cut = [=](Floats sum) {
    return select(sum < floor, splat(floor), select(sum > ceiling, splat(ceiling), sum));
  };
  if (residual == nullptr)
    return by_channels(x, y, rows, n, constants,
                       [&](Floats value, std::int64_t, std::int64_t, const auto& scale) { return cut(scale(value)); });
  by_channels(x, y, rows, n, constants,
              [&](Floats value, std::int64_t i, std::int64_t count, const ScaleConstants& scale) {
                return cut(scale(value) + load_up_to(count, residual + i));
              });
}

void channel_scale(const float* x, const float* center, const float* factor, const float* shift, float* y,
                   std::int64_t rows, std::int64_t n) {
  by_channels(
      x, y, rows, n,
      [&](std::int64_t k) {
        return ScaleConstants{get(center, k, n, 0.0F), get(factor, k, n, 0.0F), get(shift, k, n, 0.0F)};
      },
      [](Floats value, std::int64_t, std::int64_t, const ScaleConstants& scale) { return scale(value); });
}

void channel_combine(const float* x, const float* gradient, const simd::ChannelSteps* gate, const float* center,
                     const float* a, const float* b, const float* c, float* dx, std::int64_t rows, std::int64_t n) {
  struct Constants {
    Floats center, a, b, c;
    [[gnu::always_inline]] Floats operator()(Floats value, Floats g) const {
      return fma(g, a, fma(value - center, b, c));
    }
  };
  const auto of_channels = [&](std::int64_t k) {
    return Constants{get(center, k, n, 0.0F), get(a, k, n, 0.0F), get(b, k, n, 0.0F), get(c, k, n, 0.0F)};
  };
  if (gate == nullptr)
    return by_channels(x, dx, rows, n, of_channels,
                       [&](Floats value, std::int64_t i, std::int64_t count, const Constants& constants) {
                         return constants(value, load_up_to(count, gradient + i));
                       });
  by_channels(
      x, dx, rows, n, [&](std::int64_t k) { return std::pair(of_channels(k), scale_of(*gate, k, n)); },
      [&](Floats value, std::int64_t i, std::int64_t count, const std::pair<Constants, ScaleConstants>& constants) {
        const auto& [combine, scale] = constants;
        return combine(value, load_up_to(count, gradient + i) * passes(scale(value), *gate));
      });
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
