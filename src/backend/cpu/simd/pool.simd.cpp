#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

[[gnu::always_inline]] inline Ints load_ints(const std::int32_t* from, std::int64_t count) {
  return bits(load_up_to(count, reinterpret_cast<const float*>(from)));
}
[[gnu::always_inline]] inline void store_ints(Ints x, std::int32_t* to, std::int64_t count) {
  store_up_to(count, of_bits(x), reinterpret_cast<float*>(to));
}

/// fn(what to add to the windows' cells and results, how many numbers there are from there on) for each register.
template <class F>
[[gnu::always_inline]] inline void for_registers(const PoolRun& run, F fn) {
  for (std::int64_t window = 0; window < run.windows; ++window) {
    const std::int64_t cell = window * run.step * run.channels, result = window * run.channels;
    std::int64_t k = 0;
    for (; k + lanes <= run.channels; k += lanes) fn(window, cell + k, result + k, std::int64_t{lanes});
    if (k < run.channels) fn(window, cell + k, result + k, run.channels - k);
  }
}

/// `fixed`: the number of cells where it is known, 0 where not.
template <int fixed, class T>
void maxima(const PoolRun& run, const T* x, T* best, std::int32_t* places) {
  const std::int64_t count = fixed == 0 ? run.count : fixed, n = run.channels;
  const std::int32_t* const cells = run.cells;
  for_registers(run, [&](std::int64_t window, std::int64_t from, std::int64_t to, std::int64_t left) {
    Floats highest = load_up_to(left, x + cells[0] * n + from);
    if (places == nullptr) {
      for (std::int64_t t = 1; t < count; ++t) highest = maximum(highest, load_up_to(left, x + cells[t] * n + from));
    } else {
      Ints place = Ints{} + cells[0];
      for (std::int64_t t = 1; t < count; ++t) {
        const Floats value = load_up_to(left, x + cells[t] * n + from);
        const Ints better = (value > highest) | ((value != value) & (highest == highest));
        highest = select(better, value, highest);
        place = better ? Ints{} + cells[t] : place;
      }
      store_ints(place + (run.first + static_cast<std::int32_t>(window * run.step)), places + to, left);
    }
    store_up_to(left, highest, best + to);
  });
}

/// T: as wide as the numbers; not added, they only move.
template <bool add, class T>
void hand_down(const PoolRun& run, const T* gradient, const std::int32_t* places, T* dx) {
  for_registers(run, [&](std::int64_t window, std::int64_t at, std::int64_t from, std::int64_t left) {
    const Floats incoming = load_up_to(left, gradient + from);
    const Ints place = load_ints(places + from, left) - (run.first + static_cast<std::int32_t>(window * run.step));
    for (std::int64_t t = 0; t < run.count; ++t) {
      T* const cell = dx + run.cells[t] * run.channels + at;
      const Floats share = select(place == run.cells[t], incoming, Floats{});
      store_up_to(left, add ? load_up_to(left, cell) + share : share, cell);
    }
  });
}

}  // namespace

void pool_max(const PoolRun& run, const float* x, float* best, std::int32_t* places) {
  run.count == 4 ? maxima<4>(run, x, best, places) : maxima<0>(run, x, best, places);
}
void pool_max_bfloat16(const PoolRun& run, const std::uint16_t* x, std::uint16_t* best, std::int32_t* places) {
  run.count == 4 ? maxima<4>(run, x, best, places) : maxima<0>(run, x, best, places);
}

void pool_max_backward(const PoolRun& run, const float* gradient, const std::int32_t* places, bool add, float* dx) {
  add ? hand_down<true>(run, gradient, places, dx) : hand_down<false>(run, gradient, places, dx);
}
void pool_max_backward_halves(const PoolRun& run, const std::uint16_t* gradient, const std::int32_t* places,
                              std::uint16_t* dx) {
  hand_down<false>(run, gradient, places, dx);
}

void pool_mean(const PoolRun& run, const float* x, float* mean) {
  const float share = 1.0F / static_cast<float>(run.count);
  for_registers(run, [&](std::int64_t, std::int64_t from, std::int64_t to, std::int64_t left) {
    Floats sum{};
    for (std::int64_t t = 0; t < run.count; ++t) sum = sum + load_up_to(left, x + run.cells[t] * run.channels + from);
    store_up_to(left, sum * share, mean + to);
  });
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
