#pragma once

#include <cstdint>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// Sorts `count` keys, fewer than 2^31, ascending and stable, each with its value, by their `bits` lower bits. Inputs
/// and outputs do not overlap.
void sort_pairs(Context& context, std::int64_t count, const std::uint64_t* keys_in, std::uint64_t* keys_out,
                const std::int32_t* values_in, std::int32_t* values_out, int bits);

}  // namespace nyala::backend::cuda
