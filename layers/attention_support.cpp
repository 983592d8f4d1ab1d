#include "attention_support.hpp"

#include <nyala/ops.hpp>

namespace nyala::attention {

bool flag(const CallContext& context, const char* name) {
  if (!context.arguments.is_object()) return false;
  const Config& value = context.arguments.get(name);
  return value.is_bool() ? value.as_bool() : value.is_number() && value.as_double() != 0.0;
}

Tensor causal_mask(std::int64_t rows, std::int64_t columns) {
  return expand_dims(cast(tri(rows, columns, 0, DType::float32), DType::boolean), 0);
}

Tensor joined_mask(const Tensors& inputs, const CallContext& context, const std::optional<int>& sliding_window) {
  const auto mask_of = [&](std::size_t i, const char* name) {
    const auto given = context.tensors.find(name);
    if (given != context.tensors.end()) return cast(given->second, DType::boolean);
    return i < context.masks.size() ? context.masks[i] : Tensor();
  };
  Tensor joined;
  const auto join = [&](const Tensor& mask) {
    if (mask.defined()) joined = joined.defined() ? logical_and(joined, mask) : mask;
  };
  const Tensor query = mask_of(0, "query_mask"), value = mask_of(1, "value_mask"), key = mask_of(2, "key_mask");
  if (query.defined()) join(expand_dims(query, -1));
  if (value.defined()) join(expand_dims(value, -2));
  if (key.defined()) join(expand_dims(key, -2));
  const std::int64_t rows = inputs[0].shape()[1], columns = inputs[1].shape()[1];
  if (flag(context, "use_causal_mask")) join(causal_mask(rows, columns));
  if (sliding_window) {
    const Tensor distance = abs(expand_dims(arange(rows), -1) - expand_dims(arange(columns), 0));
    join(expand_dims(less(distance, *sliding_window), 0));
  }
  const auto given = context.tensors.find("attention_mask");
  if (given != context.tensors.end()) join(cast(given->second, DType::boolean));
  if (joined.defined() && joined.rank() == 2) joined = expand_dims(joined, 0);
  if (joined.defined() && joined.rank() == 3) joined = expand_dims(joined, 1);
  return joined;
}

}  // namespace nyala::attention
