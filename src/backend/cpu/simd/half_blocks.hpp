#pragma once

#include <algorithm>
#include <cstdint>

#include <nyala/tensor.hpp>

#include "backend/common/dispatch.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/half.hpp"

namespace nyala::backend {

// float32 loops over float16 and bfloat16: a block at a time is widened into a buffer that stays in the first-level
// cache, and the results are narrowed from there.

inline constexpr std::int64_t half_block = 2048;  // elements

/// Elements [first, first + n) of x as float32: where they are, or widened into `buffer`. Null for a null tensor.
inline const float* widened(const Tensor& x, std::int64_t first, std::int64_t n, float* buffer) {
  if (!x.defined()) return nullptr;
  const void* from = x.raw_data();
  const auto count = static_cast<std::size_t>(n);
  switch (x.dtype()) {
    case DType::bfloat16: detail::convert(static_cast<const bfloat16*>(from) + first, buffer, count); return buffer;
    case DType::float16: detail::convert(static_cast<const float16*>(from) + first, buffer, count); return buffer;
    default: return static_cast<const float*>(from) + first;
  }
}

/// Rounds n results to out's elements from `first` on; out holds float16 or bfloat16.
inline void narrow(const float* results, const Tensor& out, std::int64_t first, std::int64_t n) {
  const auto count = static_cast<std::size_t>(n);
  if (out.dtype() == DType::bfloat16)
    detail::convert(results, static_cast<bfloat16*>(out.raw_data()) + first, count);
  else
    detail::convert(results, static_cast<float16*>(out.raw_data()) + first, count);
}

/// Whether all that are defined hold one and the same of the two.
template <class... T>
bool all_half(const Tensor& first, const T&... others) {
  return is_half(first.dtype()) && ((!others.defined() || others.dtype() == first.dtype()) && ...);
}

/// Whether the data of a normalisation may be in float16 or bfloat16 while everything else is float32.
template <class... T>
bool half_rows(const Tensor& x, const T&... statistics) {
  return is_half(x.dtype()) && x.size() > 0 && x.shape()[1] <= half_block && all_float32(statistics...);
}

/// fn(begin, n) over [begin, end) in blocks.
template <class F>
void for_half_blocks(std::int64_t begin, std::int64_t end, F&& fn) {
  for (std::int64_t i = begin; i < end; i += half_block) fn(i, std::min(half_block, end - i));
}

/// fn(first row, rows) over rows [begin, end) of n elements each, in blocks; n <= half_block.
template <class F>
void for_half_rows(std::int64_t begin, std::int64_t end, std::int64_t n, F&& fn) {
  const std::int64_t step = std::max<std::int64_t>(1, half_block / n);
  for (std::int64_t i = begin; i < end; i += step) fn(i, std::min(step, end - i));
}

}  // namespace nyala::backend
