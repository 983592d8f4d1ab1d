#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

[[gnu::always_inline]] inline Ints load_ints(const std::int32_t* from, std::int64_t count) {
  return bits(load_up_to(count, reinterpret_cast<const float*>(from)));
}
[[gnu::always_inline]] inline void store_ints(Ints x, std::int32_t* to, std::int64_t count) {
  store_up_to(count, of_bits(x), reinterpret_cast<float*>(to));
}

}  // namespace

void pool_max(const float* x, const std::int32_t* cells, std::int64_t count, std::int32_t first, float* best,
              std::int32_t* places, std::int64_t n) {
  for (std::int64_t k = 0; k < n; k += lanes) {
    const std::int64_t left = n - k;
    Floats highest = load_up_to(left, x + cells[0] * n + k);
    if (places == nullptr) {
      for (std::int64_t t = 1; t < count; ++t) highest = maximum(highest, load_up_to(left, x + cells[t] * n + k));
    } else {
      Ints place = Ints{} + cells[0];
      for (std::int64_t t = 1; t < count; ++t) {
        const Floats value = load_up_to(left, x + cells[t] * n + k);
        const Ints better = (value > highest) | ((value != value) & (highest == highest));
        highest = select(better, value, highest);
        place = better ? Ints{} + cells[t] : place;
      }
      store_ints(place + first, places + k, left);
    }
    store_up_to(left, highest, best + k);
  }
}

void pool_max_backward(const float* gradient, const std::int32_t* places, const std::int32_t* cells, std::int64_t count,
                       std::int32_t first, bool add, float* dx, std::int64_t n) {
  for (std::int64_t k = 0; k < n; k += lanes) {
    const std::int64_t left = n - k;
    const Floats incoming = load_up_to(left, gradient + k);
    const Ints place = load_ints(places + k, left) - first;
    for (std::int64_t t = 0; t < count; ++t) {
      float* cell = dx + cells[t] * n + k;
      const Floats share = select(place == cells[t], incoming, Floats{});
      store_up_to(left, add ? load_up_to(left, cell) + share : share, cell);
    }
  }
}

void pool_mean(const float* x, const std::int32_t* cells, std::int64_t count, float* mean, std::int64_t n) {
  const float share = 1.0F / static_cast<float>(count);
  for (std::int64_t k = 0; k < n; k += lanes) {
    Floats sum{};
    for (std::int64_t t = 0; t < count; ++t) sum = sum + load_up_to(n - k, x + cells[t] * n + k);
    store_up_to(n - k, sum * share, mean + k);
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
