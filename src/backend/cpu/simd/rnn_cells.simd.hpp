#pragma once

#include "backend/cpu/simd/nn_loops.hpp"

namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE {

void simple_forward(const CellRows& cell, const float* sums, const float* h_before, float* h);
void simple_backward(const CellRows& cell, const float* h, float* dh, float* dsums);
void lstm_forward(const CellRows& cell, float* gates, const float* h_before, const float* c_before, float* h, float* c);
void lstm_backward(const CellRows& cell, const float* gates, const float* c_before, const float* c, float* dh,
                   float* dc, float* dsums);
void gru_forward(const CellRows& cell, float* gates, const float* recurrent, const float* h_before, float* h,
                 float* inner);
void gru_backward(const CellRows& cell, const float* gates, const float* h_before, const float* inner, float* dh,
                  float* dsums, float* drecurrent);

}  // namespace nyala::backend::simd::NYALA_SIMD_NAMESPACE
