#pragma once

// What the attention layers share.

#include <optional>

#include <nyala/layer.hpp>

namespace nyala::attention {

/// A call argument that is true or false (or a number, as files may hold it); false where it is not given.
bool flag(const CallContext& context, const char* name);
/// (1, rows, columns): whether a row may see a column.
Tensor causal_mask(std::int64_t rows, std::int64_t columns);
/// All masks of a call on {query, value[, key]} and()ed: (batch, 1, rows, columns), or as attention_mask has it; null
/// if there is none.
Tensor joined_mask(const Tensors& inputs, const CallContext& context, const std::optional<int>& sliding_window);

}  // namespace nyala::attention
