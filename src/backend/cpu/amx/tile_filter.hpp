#pragma once

#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/winograd.hpp"

namespace nyala::backend::amx {

/// Sixteen matrices of factors (in, out) in parts for the tile unit (split_blocks.hpp).
struct PackedFilter : simd::TileProducts {
  std::int64_t in, out;
  const char* memory;  ///< (product, panel of 32 outputs, block of 32 inputs)
  std::uint32_t top;
};
bool multiply_tiles(const simd::TileProducts& filter, std::int64_t count, const float* values, std::int64_t value_step,
                    float* sums, std::int64_t sum_step, float* scratch);

/// What a convolution's products on the tile unit need of the kernel, transformed by WinogradLoops for AVX-512.
class TileFilter {
 public:
  /// With fewer inputs splitting them takes longer than is won.
  static bool suits(std::int64_t in, std::int64_t out) { return in % 32 == 0 && in >= 64 && out % 32 == 0; }
  TileFilter(std::int64_t in, std::int64_t out, const float* filter);
  const simd::TileProducts& products() const { return packed_; }
  std::size_t bytes() const;

 private:
  Scratch memory_;
  PackedFilter packed_;
};

}  // namespace nyala::backend::amx
