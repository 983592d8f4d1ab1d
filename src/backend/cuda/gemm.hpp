#pragma once

#include <cstdint>

#include <nyala/dtype.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// What is done to a product before it is stored. bias: a vector as long as a row of the product, added to each row.
/// column_sums: no change; the sums of the columns of b are stored in the vector.
enum class Epilogue { none, bias, relu, relu_bias, column_sums };

/// A batch of row-major matrix products: out (m, n) = a (m, k) · b (k, n), or += with `add`. Leading dimensions count
/// the elements from row to row of what is stored; steps those from matrix to matrix, 0 where one serves all.
struct Gemm {
  bool transpose_a = false, transpose_b = false, add = false;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t leading_a = 0, leading_b = 0, leading_out = 0;
  std::int64_t batch = 1, step_a = 0, step_b = 0, step_out = 0;
  Epilogue epilogue = Epilogue::none;

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
[[nodiscard]] bool try_gemm(Context& context, DType dtype, const Gemm& gemm, const void* a, const void* b, void* out,
                            void* vector);
/// Without an epilogue.
void gemm(Context& context, DType dtype, const Gemm& gemm, const void* a, const void* b, void* out);

}  // namespace nyala::backend::cuda
