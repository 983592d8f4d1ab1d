#pragma once

#include "backend/cpu/simd/table.hpp"
#include "backend/cpu/simd/vector.hpp"

// The members of SimdTable under their names there.

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

const SimdTable& table();

SimdTable::UnaryLoop unary(Unary op);
SimdTable::BackwardLoop unary_backward(Unary op, bool has_x, bool has_y);
SimdTable::BinaryLoop binary(Binary op, Operands operands);
SimdTable::BinaryLoop binary_double(Binary op, Operands operands);
SimdTable::CompareLoop compare(Compare op, DType dtype, Operands operands);
void where(const bool* condition, const float* a, const float* b, Operands operands, float* out, std::int64_t n);
SimdTable::CastLoop cast(DType from, DType to);
void dropout(const std::uint32_t* words, std::uint32_t limit, float scale, const float* x, float* out, std::int64_t n);
void add_to(const float* x, float* sum, std::int64_t n);
void scale(float factor, float* x, std::int64_t n);
void add_scaled(float factor, const float* x, float* y, std::int64_t n);

SimdTable::RowReduction reduce_row(Reduce op);
SimdTable::ColumnReduction reduce_columns(Reduce op);
std::int64_t arg_extreme(bool maximum, const float* x, std::int64_t n);

void adam(const AdamStep& step, float decay, const float* gradient, float* variable, float* momentum, float* velocity,
          float* velocity_hat, std::int64_t n);
void sgd(float learning_rate, float momentum, bool nesterov, float decay, const float* gradient, float* variable,
         float* momentum_slot, std::int64_t n);
void rmsprop(float learning_rate, float rho, float momentum, float epsilon, float decay, const float* gradient,
             float* variable, float* velocity, float* momentum_slot, float* average, std::int64_t n);
void rule_step(const RuleStep& step, float decay, const float* gradient, float* variable, float* first, float* second,
               std::int64_t n);

void softmax(const float* x, float* y, std::int64_t rows, std::int64_t n, bool logarithm);
void softmax_backward(const float* y, const float* gradient, float* dx, std::int64_t rows, std::int64_t n,
                      bool logarithm);
void crossentropy(const float* logits, const std::int64_t* labels, float* loss, std::int64_t rows, std::int64_t n);
void crossentropy_backward(const float* logits, const std::int64_t* labels, const float* gradient, float* dlogits,
                           std::int64_t rows, std::int64_t n);

void layer_norm(const float* x, const float* gamma, const float* beta, double epsilon, float* y, float* mean,
                float* inverse_deviation, std::int64_t rows, std::int64_t n);
void layer_norm_backward(const float* x, const float* gradient, const float* gamma, const float* mean,
                         const float* inverse_deviation, float* dx, double* dgamma, double* dbeta, std::int64_t rows,
                         std::int64_t n);
void channel_moments(const float* x, const float* shift, double* sums, double* squares, std::int64_t rows,
                     std::int64_t n);
void channel_products(const float* x, const float* gradient, const float* mean, double* sums, double* products,
                      std::int64_t rows, std::int64_t n);
void channel_scale(const float* x, const float* center, const float* factor, const float* shift, float* y,
                   std::int64_t rows, std::int64_t n);
void channel_combine(const float* x, const float* gradient, const simd::ChannelSteps* gate, const float* center,
                     const float* a, const float* b, const float* c, float* dx, std::int64_t rows, std::int64_t n);
void channel_gradient(const float* x, const float* y, const float* gradient, const simd::ChannelSteps& steps,
                      float* before, double* sums, double* products, std::int64_t rows, std::int64_t n);
void channel_activate(const float* x, const float* center, const float* factor, const float* shift,
                      const float* residual, float floor, float ceiling, float* y, std::int64_t rows, std::int64_t n);
void pool_max(const PoolRun& run, const float* x, float* best, std::int32_t* places);
void pool_max_backward(const PoolRun& run, const float* gradient, const std::int32_t* places, bool add, float* dx);
void pool_max_bfloat16(const PoolRun& run, const std::uint16_t* x, std::uint16_t* best, std::int32_t* places);
void pool_max_backward_halves(const PoolRun& run, const std::uint16_t* gradient, const std::int32_t* places,
                              std::uint16_t* dx);
void pool_mean(const PoolRun& run, const float* x, float* mean);

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
