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

/// What a recurrent cell does to its candidate, and LSTM to its state; gates are always sigmoids.
enum class CellActivation { tanh, relu, linear };

/// One step of a recurrent cell for some samples: one row each. The gates of a row are contiguous; strides go from row
/// to row. Samples whose `live` is false (null: none) are masked: forward they keep their states, backward they get
/// zeros.
struct CellRows {
  std::int64_t rows, units, gates_stride, state_stride, before_stride;
  const bool* live;
  std::int64_t live_stride;
  CellActivation activation;

  bool takes_part(std::int64_t row) const { return live == nullptr || live[row * live_stride]; }
};

struct NnLoops {
  void (*multiply)(const SmallProduct& sizes, const float* a, const float* b, float* c);
  /// `before`, if not null, receives sums + bias, with out's stride.
  void (*finish)(const Epilogue& epilogue, const float* sums, const float* bias, float* before, float* out);
  /// to += from
  void (*accumulate)(std::int64_t count, const float* from, float* to);

  /// SimpleRNN. sums: before the activation.
  void (*simple_forward)(const CellRows& cell, const float* sums, const float* h_before, float* h);
  /// dh (rows, units): gradient of h, then 0; dsums: that of the sums.
  void (*simple_backward)(const CellRows& cell, const float* h, float* dh, float* dsums);
  /// LSTM. gates: sums in, values after the activations out, i f c o.
  void (*lstm_forward)(const CellRows& cell, float* gates, const float* h_before, const float* c_before, float* h,
                       float* c);
  /// dh, dc (rows, units): gradients of h and c; dc becomes that of c_before and dh 0. dsums (gates' layout): that of
  /// the sums.
  void (*lstm_backward)(const CellRows& cell, const float* gates, const float* c_before, const float* c, float* dh,
                        float* dc, float* dsums);
  /// GRU, reset after. gates: x · W + bias in, values after the activations out, z r h; recurrent (rows, 3 units):
  /// h · U + bias, whose last block goes to `inner`.
  void (*gru_forward)(const CellRows& cell, float* gates, const float* recurrent, const float* h_before, float* h,
                      float* inner);
  /// dh becomes the part of h_before's gradient that goes through no product; dsums and drecurrent: of both products.
  void (*gru_backward)(const CellRows& cell, const float* gates, const float* h_before, const float* inner, float* dh,
                       float* dsums, float* drecurrent);
};

/// The copy for the processor that this runs on, as far as NYALA_CPU_ISA allows.
const NnLoops& nn_loops();
/// The copy for an instruction set; null if this processor lacks it.
const NnLoops* nn_loops(const char* name);

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
