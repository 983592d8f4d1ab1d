#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

[[gnu::always_inline]] inline Ints load_ints(const std::int32_t* from, std::int64_t count) {
  return bits(count >= lanes ? load(reinterpret_cast<const float*>(from))
                             : load_part(reinterpret_cast<const float*>(from), count));
}
[[gnu::always_inline]] inline void store_ints(Ints x, std::int32_t* to, std::int64_t count) {
  if (count >= lanes)
    store(of_bits(x), reinterpret_cast<float*>(to));
  else
    store_part(of_bits(x), reinterpret_cast<float*>(to), count);
}
[[gnu::always_inline]] inline Floats get(const float* from, std::int64_t count) {
  return count >= lanes ? load(from) : load_part(from, count);
}
[[gnu::always_inline]] inline void put(Floats x, float* to, std::int64_t count) {
  if (count >= lanes)
    store(x, to);
  else
    store_part(x, to, count);
}

}  // namespace

void pool_max(const float* x, const std::int32_t* cells, std::int64_t count, std::int32_t first, float* best,
              std::int32_t* places, std::int64_t n) {
  for (std::int64_t k = 0; k < n; k += lanes) {
    const std::int64_t left = n - k;
    Floats highest = get(x + cells[0] * n + k, left);
    if (places == nullptr) {
      for (std::int64_t t = 1; t < count; ++t) highest = maximum(highest, get(x + cells[t] * n + k, left));
    } else {
      Ints place = Ints{} + cells[0];
      for (std::int64_t t = 1; t < count; ++t) {
        const Floats value = get(x + cells[t] * n + k, left);
        const Ints better = (value > highest) | ((value != value) & (highest == highest));
        highest = select(better, value, highest);
        place = better ? Ints{} + cells[t] : place;
      }
      store_ints(place + first, places + k, left);
    }
    put(highest, best + k, left);
  }
}

void pool_max_backward(const float* gradient, const std::int32_t* places, const std::int32_t* cells, std::int64_t count,
                       std::int32_t first, float* dx, std::int64_t n) {
  for (std::int64_t k = 0; k < n; k += lanes) {
    const std::int64_t left = n - k;
    const Floats incoming = get(gradient + k, left);
    const Ints place = load_ints(places + k, left) - first;
    for (std::int64_t t = 0; t < count; ++t) {
      float* cell = dx + cells[t] * n + k;
      put(get(cell, left) + select(place == cells[t], incoming, Floats{}), cell, left);
    }
  }
}

void pool_mean(const float* x, const std::int32_t* cells, std::int64_t count, float* mean, std::int64_t n) {
  const float share = 1.0F / static_cast<float>(count);
  for (std::int64_t k = 0; k < n; k += lanes) {
    Floats sum{};
    for (std::int64_t t = 0; t < count; ++t) sum = sum + get(x + cells[t] * n + k, n - k);
    put(sum * share, mean + k, n - k);
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
