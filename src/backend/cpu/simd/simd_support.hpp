#pragma once

#include <algorithm>
#include <cstdint>

#include <nyala/tensor.hpp>

#include "core/parallel.hpp"

namespace nyala::backend {

// The fewest elements worth a part of their own: where memory sets the pace, and where arithmetic does.
inline constexpr std::int64_t cheap_grain = 32768, dear_grain = 8192;

/// As many rows as make a part.
inline std::int64_t rows_grain(std::int64_t row_length, std::int64_t grain = cheap_grain) {
  return std::max<std::int64_t>(1, grain / std::max<std::int64_t>(1, row_length));
}

/// The storage, null for a null tensor.
inline float* floats(const Tensor& x) { return x.defined() ? static_cast<float*>(x.raw_data()) : nullptr; }
/// The elements of a float16 or bfloat16 tensor, null for a null tensor.
inline std::uint16_t* halves(const Tensor& x) {
  return x.defined() ? static_cast<std::uint16_t*>(x.raw_data()) : nullptr;
}

template <class T>
T* advance(T* from, std::int64_t by) {
  return from == nullptr ? nullptr : from + by;
}

/// Whether all that are defined hold float32.
template <class... T>
bool all_float32(const T&... tensors) {
  return ((!tensors.defined() || tensors.dtype() == DType::float32) && ...);
}

}  // namespace nyala::backend
