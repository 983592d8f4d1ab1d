#pragma once

#include <nyala/random.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// What attention layers need beyond dot_product_attention (ops/nn.hpp): masked positions get the weight 0, even in a
/// row that is masked whole, and `dropout_rate` of the weights are dropped. Operands as there.
struct AttentionWeights {
  double scale = 1.0;
  double dropout_rate = 0.0;
  SeedGenerator* seed = nullptr;  ///< of the dropout; null: the global one
  bool is_causal = false;         ///< no query sees what stands after it
};
Tensor attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
              const AttentionWeights& how);

/// As attend, with the weights (batch, heads, query time, key time) before the dropout.
struct Attended {
  Tensor output, weights;
};
Attended attend_with_weights(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                             const AttentionWeights& how);

}  // namespace nyala
