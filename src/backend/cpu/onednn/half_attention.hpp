#pragma once

#include "backend/cpu/onednn/attention_head.hpp"

namespace nyala::backend::onednn {

/// Attention of bfloat16 operands on the tile unit: products summed in float32, weights and what follows them in
/// float32 too; what is kept for the gradient are the weights, rounded. has_half_attention: whether it pays, and there
/// is such a unit.
bool has_half_attention(const AttentionOperands& of);
void half_attention(const SimdTable& table, const Attention& how, const AttentionOperands& of, Tensor& kept,
                    Tensor& out);
void half_attention_backward(const SimdTable& table, const Attention& how, const AttentionOperands& of,
                             const Tensor& kept, const Tensor& gradient, Tensor& dquery, Tensor& dkey, Tensor& dvalue);

}  // namespace nyala::backend::onednn
