#pragma once

#include <cstdint>

#include <nyala/ops/nn.hpp>

// Vectorised loops of the network kernels, one copy per instruction set.

namespace nyala::backend::simd {

/// c (m, n) = a (m, k) · b (k, n), or c += with `add`. a(i, j) is a[i * row_a + j * column_a]; b and c are row-major.
struct SmallProduct {
  std::int64_t m, n, k, row_a, column_a, stride_b, stride_c;
  bool add;
};

/// What follows a product: out = activation(sums + bias) for a block of rows. `sums` and `out` may be the same; `bias`
/// may be null.
struct Epilogue {
  std::int64_t rows, columns, stride_sums, stride_out;
  FusedActivation activation;
};

struct NnLoops {
  void (*multiply)(const SmallProduct& sizes, const float* a, const float* b, float* c);
  /// `before`, if not null, receives sums + bias, with out's stride.
  void (*finish)(const Epilogue& epilogue, const float* sums, const float* bias, float* before, float* out);
  /// to += from
  void (*accumulate)(std::int64_t count, const float* from, float* to);
};

/// The copy for the processor that this runs on.
const NnLoops& nn_loops();

namespace sse42 {
extern const NnLoops nn_loops;
}
namespace avx2 {
extern const NnLoops nn_loops;
}
namespace avx512 {
extern const NnLoops nn_loops;
}

}  // namespace nyala::backend::simd
