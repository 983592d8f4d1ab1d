#pragma once

#include "backend/cpu/simd/nn_loops.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {

void multiply(const SmallProduct& sizes, const float* a, const float* b, float* c);

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
