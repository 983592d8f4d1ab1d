#pragma once

#include <cstdint>

#include <nyala/dtype.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// What is done to a product before it is stored.
/// - activation, relu or gelu (the approximation by tanh): after `vector`, if that is not null, was added to each row;
///   `kept`, if not null, receives what its gradient needs: for relu a mask of bits, for gelu the values before it;
/// - gradient, relu_gradient or gelu_gradient: the product is the gradient after an activation and becomes that before
///   it, by what was kept; `vector`, if not null, receives the sums of the columns;
/// - sums_of_b: no change; `vector` receives the sums of the columns of b.
enum class Finish { plain, relu, gelu, relu_gradient, gelu_gradient, sums_of_b };

struct Epilogue {
  Finish finish = Finish::plain;
  void* vector = nullptr;
  void* kept = nullptr;
  std::int64_t leading_kept = 0;  // elements of `kept` from row to row: bits in multiples of 128, numbers of 8

  bool any() const { return finish != Finish::plain || vector != nullptr; }
};

/// The bits from row to row of relu's mask.
constexpr std::int64_t leading_mask(std::int64_t columns) { return (columns + 127) / 128 * 128; }

/// A batch of row-major matrix products: out (m, n) = a (m, k) · b (k, n), or += with `add`. Leading dimensions count
/// the elements from row to row of what is stored; steps those from matrix to matrix, 0 where one serves all.
struct Gemm {
  bool transpose_a = false, transpose_b = false, add = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t leading_a = 0, leading_b = 0, leading_out = 0;
  std::int64_t batch = 1, step_a = 0, step_b = 0, step_out = 0;
  Epilogue epilogue = {};

  /// Of packed matrices.
  static Gemm packed(bool transpose_a, bool transpose_b, bool add, std::int64_t m, std::int64_t n, std::int64_t k) {
    return {.transpose_a = transpose_a,
            .transpose_b = transpose_b,
            .add = add,
            .m = m,
            .n = n,
            .k = k,
            .leading_a = transpose_a ? m : k,
            .leading_b = transpose_b ? k : n,
            .leading_out = n};
  }
};

/// By cuBLASLt, for float32 (whose operands are rounded only where the user allows TF32), float64, float16 and bfloat16
/// (summed in float32). False, with nothing done, where the library has no algorithm for an epilogue; an Error where it
/// has none at all.
[[nodiscard]] bool try_gemm(Context& context, DType dtype, const Gemm& gemm, const void* a, const void* b, void* out);
/// Without an epilogue.
void gemm(Context& context, DType dtype, const Gemm& gemm, const void* a, const void* b, void* out);

}  // namespace nyala::backend::cuda
