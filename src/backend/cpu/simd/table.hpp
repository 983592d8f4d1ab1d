#pragma once

#include <cstdint>

#include "backend/cpu/simd/channel_steps.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// Which operands of a binary loop are arrays; the others are single numbers.
enum class Operands : std::uint8_t { both, scalar_a, scalar_b, none };

/// Windows of a pool that follow each other: each has the same `count` >= 1 cells of `channels` numbers, at
/// x + cells[t] * channels for the first one, `step` cells further for the next. Places are counted from `first` below
/// x.
struct PoolRun {
  const std::int32_t* cells;
  std::int64_t count, windows, step, channels;
  std::int32_t first;
};

/// Loops over float32 arrays, compiled once per instruction set. All run on the calling thread; what they write may be
/// one of their operands. Those that are looked up by operation are null where there is no fast loop.
struct SimdTable {
  using UnaryLoop = void (*)(float a, const float* x, float* out, std::int64_t n);
  /// One of x and y may be null, as unary_backward() of Kernels says.
  using BackwardLoop = void (*)(float a, const float* x, const float* y, const float* gradient, float* out,
                                std::int64_t n);
  using BinaryLoop = void (*)(const float* a, const float* b, float* out, std::int64_t n);
  using CompareLoop = void (*)(const void* a, const void* b, bool* out, std::int64_t n);
  /// Of a row, not yet divided for a mean.
  using RowReduction = double (*)(const float* x, std::int64_t n);
  /// totals (n,) go on over rows of x with a row length of n, columns [first, last).
  using ColumnReduction = void (*)(const float* x, std::int64_t rows, std::int64_t n, std::int64_t first,
                                   std::int64_t last, double* totals);
  using CastLoop = void (*)(const void* in, void* out, std::int64_t n);

  const char* name;

  UnaryLoop (*unary)(Unary op);
  BackwardLoop (*unary_backward)(Unary op, bool has_x, bool has_y);
  BinaryLoop (*binary)(Binary op, Operands operands);
  BinaryLoop (*binary_double)(Binary op, Operands operands);
  /// Of float32, int32 and int64.
  CompareLoop (*compare)(Compare op, DType dtype, Operands operands);
  void (*where)(const bool* condition, const float* a, const float* b, Operands operands, float* out, std::int64_t n);
  CastLoop (*cast)(DType from, DType to);
  void (*dropout)(const std::uint32_t* words, std::uint32_t limit, float scale, const float* x, float* out,
                  std::int64_t n);
  void (*add_to)(const float* x, float* sum, std::int64_t n);

  RowReduction (*reduce_row)(Reduce op);
  ColumnReduction (*reduce_columns)(Reduce op);
  std::int64_t (*arg_extreme)(bool maximum, const float* x, std::int64_t n);

  void (*adam)(const AdamStep& step, float decay, const float* gradient, float* variable, float* momentum,
               float* velocity, float* velocity_hat, std::int64_t n);
  void (*sgd)(float learning_rate, float momentum, bool nesterov, float decay, const float* gradient, float* variable,
              float* momentum_slot, std::int64_t n);
  void (*rmsprop)(float learning_rate, float rho, float momentum, float epsilon, float decay, const float* gradient,
                  float* variable, float* velocity, float* momentum_slot, float* average, std::int64_t n);
  void (*rule_step)(const RuleStep& step, float decay, const float* gradient, float* variable, float* first,
                    float* second, std::int64_t n);

  void (*softmax)(const float* x, float* y, std::int64_t rows, std::int64_t n, bool logarithm);
  void (*softmax_backward)(const float* y, const float* gradient, float* dx, std::int64_t rows, std::int64_t n,
                           bool logarithm);
  void (*crossentropy)(const float* logits, const std::int64_t* labels, float* loss, std::int64_t rows, std::int64_t n);
  void (*crossentropy_backward)(const float* logits, const std::int64_t* labels, const float* gradient, float* dlogits,
                                std::int64_t rows, std::int64_t n);

  void (*layer_norm)(const float* x, const float* gamma, const float* beta, double epsilon, float* y, float* mean,
                     float* inverse_deviation, std::int64_t rows, std::int64_t n);
  /// dgamma, dbeta: null, or (n,) totals that go on.
  void (*layer_norm_backward)(const float* x, const float* gradient, const float* gamma, const float* mean,
                              const float* inverse_deviation, float* dx, double* dgamma, double* dbeta,
                              std::int64_t rows, std::int64_t n);
  /// sums += x - shift, squares += (x - shift)², by channel.
  void (*channel_moments)(const float* x, const float* shift, double* sums, double* squares, std::int64_t rows,
                          std::int64_t n);
  /// sums += gradient, products += gradient * (x - mean), by channel.
  void (*channel_products)(const float* x, const float* gradient, const float* mean, double* sums, double* products,
                           std::int64_t rows, std::int64_t n);
  /// y = (x - center) * factor + shift, by channel.
  void (*channel_scale)(const float* x, const float* center, const float* factor, const float* shift, float* y,
                        std::int64_t rows, std::int64_t n);
  /// dx = gradient * a + (x - center) * b + c, by channel; the gradient passes where `gate` lets it (null: all of it)
  /// as in channel_gradient. dx may be the gradient's memory.
  void (*channel_combine)(const float* x, const float* gradient, const simd::ChannelSteps* gate, const float* center,
                          const float* a, const float* b, const float* c, float* dx, std::int64_t rows, std::int64_t n);
  /// y = (x - center) * factor + shift + residual, cut at floor and ceiling; residual null: without; floor -infinity,
  /// ceiling NaN: uncut.
  void (*channel_activate)(const float* x, const float* center, const float* factor, const float* shift,
                           const float* residual, float floor, float ceiling, float* y, std::int64_t rows,
                           std::int64_t n);
  /// before = gradient where channel_activate's y grows with its argument, else 0; sums and products of it as in
  /// channel_products. y null: what the steps make of x, without a residual. before null: not kept; it may be the
  /// gradient's memory.
  void (*channel_gradient)(const float* x, const float* y, const float* gradient, const simd::ChannelSteps& steps,
                           float* before, double* sums, double* products, std::int64_t rows, std::int64_t n);

  /// The largest of each window's cells, and, where places is not null, which cell has it.
  void (*pool_max)(const PoolRun& run, const float* x, float* best, std::int32_t* places);
  /// The cell of dx that `places` names gets the gradient, the window's others nothing.
  void (*pool_max_backward)(const PoolRun& run, const float* gradient, const std::int32_t* places, bool add, float* dx);
  /// The same of bfloat16; and, where no windows share a cell and so nothing is added, of any numbers of 16 bits.
  void (*pool_max_bfloat16)(const PoolRun& run, const std::uint16_t* x, std::uint16_t* best, std::int32_t* places);
  void (*pool_max_backward_halves)(const PoolRun& run, const std::uint16_t* gradient, const std::int32_t* places,
                                   std::uint16_t* dx);
  void (*pool_mean)(const PoolRun& run, const float* x, float* mean);
  void (*scale)(float factor, float* x, std::int64_t n);
  /// y += factor * x
  void (*add_scaled)(float factor, const float* x, float* y, std::int64_t n);
};

/// The table of the best instruction set that this machine has and NYALA_CPU_ISA (sse42, avx2, avx512, amx) allows;
/// null on a machine without SSE4.2. Throws Error for another value.
const SimdTable* best_simd_table();

/// Whether NYALA_CPU_ISA lets products run on the tile unit.
bool allows_tiles();
/// By name; null if this machine lacks it.
const SimdTable* simd_table(const char* name);

}  // namespace nyala::backend
