#pragma once

#include <cstdint>

#include <nyala/dtype.hpp>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// What cuDNN's fused attention is asked for: query (batch, rows, heads, dim), key (batch, columns, groups, dim), value
/// (batch, columns, groups, width), all packed, in float16 or bfloat16.
struct AttentionProblem {
  DType dtype = DType::float16;
  std::int64_t batch = 1, rows = 1, columns = 1, heads = 1, groups = 1, dim = 8, width = 8;
  std::int64_t bias_batch = 0, bias_heads = 0;  // a bias (each 1 or all, rows, columns) of the dtype; 0: none
  bool causal = false;
};

enum class AttentionPass { inference, training, backward };

/// All aligned to 16 bytes; null for what a pass has not. stats: float32 (batch, heads, rows), written in training.
struct AttentionMemory {
  float scale = 1.0F;
  void *query = nullptr, *key = nullptr, *value = nullptr, *bias = nullptr, *out = nullptr, *stats = nullptr;
  void *gradient = nullptr, *dquery = nullptr, *dkey = nullptr, *dvalue = nullptr;
};

/// Whether this version of cuDNN and this GPU are known to do it, in any pass (training: backward too).
bool attention_supported(const Context& context, const AttentionProblem& problem, bool training);

/// Whether an engine took the graph of this pass. Makes the plan, if there was none.
bool attention_has_plan(Context& context, const AttentionProblem& problem, AttentionPass pass);

/// False, with nothing done, where no engine takes it.
[[nodiscard]] bool run_attention(Context& context, const AttentionProblem& problem, AttentionPass pass,
                                 const AttentionMemory& memory);

}  // namespace nyala::backend::cuda
