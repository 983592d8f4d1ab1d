#pragma once

#include <cstdint>

#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// Sorts each of `rows` rows of n keys, ascending and stable, each key with its value. Inputs and outputs do not
/// overlap; n < 2^31. `bits`: how many of the lower bits of the keys differ at all.
void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint32_t* keys_in,
               std::uint32_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits = 32);
void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint64_t* keys_in,
               std::uint64_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits = 64);

}  // namespace nyala::backend::cuda
