#pragma once

#include "backend/kernels.hpp"

namespace nyala::backend::onednn {

/// A batch of bfloat16 products with float32 sums: out (batch, m, n) = activation(op(a) · op(b) + bias). Strides follow
/// from contiguous operands; a batch of 1 serves all. False, with nothing done, where oneDNN refuses.
struct Bfloat16Product {
  std::int64_t batch, m, n, k, batch_a, batch_b;
  bool transpose_a, transpose_b;
  FusedActivation activation;
};
bool multiply_bfloat16(const Bfloat16Product& product, const void* a, const void* b, const void* bias, void* out);

}  // namespace nyala::backend::onednn
