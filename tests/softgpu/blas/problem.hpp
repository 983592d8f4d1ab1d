#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

#include "runtime/product.hpp"

// A product as its descriptors say it.

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  bool transpose_a = false, transpose_b = false;
  std::uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* bias = nullptr;
  void* kept = nullptr;
  std::int64_t leading_kept = 0;
};
struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  std::int64_t rows, columns, leading;
  std::int32_t batch = 1;
  std::int64_t step = 0;
};

namespace softgpu {

struct Problem {
  cublasLtMatmulDescOpaque_t product;
  cublasLtMatrixLayoutOpaque_t a, b, c, d;
  std::int64_t m() const { return d.rows; }
  std::int64_t n() const { return d.columns; }
  std::int64_t k() const { return product.transpose_a ? a.rows : a.columns; }
};

}  // namespace softgpu
