#pragma once

#include <xsimd/xsimd.hpp>

#include <cstdint>

#include "backend/cpu/simd/math.hpp"

// What vectorised float32 loops share; compiled once per instruction set. Such files call nothing of the standard
// library: an inline function that the linker shares could reach processors that lack the instructions.

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {

using Lanes = xsimd::batch<float>;

/// Whether reading some lanes of a register costs no more than reading all.
constexpr bool masks = sizeof(Lanes) == 64;
constexpr std::int64_t width = static_cast<std::int64_t>(Lanes::size);

/// The same registers as math.hpp has them.
namespace math = backend::NYALA_SIMD_NAMESPACE;
inline math::Floats floats_of(const Lanes& x) { return (math::Floats) static_cast<Lanes::register_type>(x); }
inline Lanes lanes_of(math::Floats x) { return Lanes((Lanes::register_type)x); }

/// a * b + c, rounded once where the instruction set can: xsimd 8 has no fused form for AVX-512.
inline Lanes fused(const Lanes& a, const Lanes& b, const Lanes& c) {
  return lanes_of(math::fma(floats_of(a), floats_of(b), floats_of(c)));
}

/// The first `count` lanes from memory, the others 0.
inline Lanes load_some(const float* from, std::int64_t count) { return lanes_of(math::load_part(from, count, 0.0F)); }
inline void store_some(const Lanes& value, float* to, std::int64_t count) {
  math::store_part(floats_of(value), to, count);
}

/// How a step of for_lanes reads and writes: all lanes, or the last few.
struct WholeAccess {
  Lanes load(const float* from) const { return Lanes::load_unaligned(from); }
  void store(const Lanes& value, float* to) const { value.store_unaligned(to); }
};
struct PartAccess {
  std::int64_t count;
  Lanes load(const float* from) const { return load_some(from, count); }
  void store(const Lanes& value, float* to) const { store_some(value, to, count); }
};

/// Calls fn(access, i) for i = 0, width, 2 width… below `count`.
template <class F>
void for_lanes(std::int64_t count, F&& fn) {
  std::int64_t i = 0;
  for (; i + width <= count; i += width) fn(WholeAccess(), i);
  if (i < count) fn(PartAccess{count - i}, i);
}

inline void copy_row(std::int64_t count, const float* from, float* to) {
  for_lanes(count, [&](auto access, std::int64_t i) { access.store(access.load(from + i), to + i); });
}
inline void clear_row(std::int64_t count, float* to) {
  for_lanes(count, [&](auto access, std::int64_t i) { access.store(Lanes(0.0f), to + i); });
}

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
