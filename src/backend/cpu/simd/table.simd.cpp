#include "backend/cpu/simd/loops.hpp"

namespace nyala::backend::NYALA_SIMD_NAMESPACE {

#define NYALA_TEXT_OF(name) #name
#define NYALA_TEXT(name) NYALA_TEXT_OF(name)

const SimdTable& table() {
  static constexpr SimdTable all = {
      .name = NYALA_TEXT(NYALA_SIMD_NAMESPACE),
      .unary = &unary,
      .unary_backward = &unary_backward,
      .binary = &binary,
      .binary_double = &binary_double,
      .compare = &compare,
      .where = &where,
      .cast = &cast,
      .dropout = &dropout,
      .add_to = &add_to,
      .reduce_row = &reduce_row,
      .reduce_columns = &reduce_columns,
      .arg_extreme = &arg_extreme,
      .adam = &adam,
      .sgd = &sgd,
      .rmsprop = &rmsprop,
      .rule_step = &rule_step,
      .softmax = &softmax,
      .softmax_backward = &softmax_backward,
      .crossentropy = &crossentropy,
      .crossentropy_backward = &crossentropy_backward,
      .layer_norm = &layer_norm,
      .layer_norm_backward = &layer_norm_backward,
      .channel_moments = &channel_moments,
      .channel_products = &channel_products,
      .channel_scale = &channel_scale,
      .channel_combine = &channel_combine,
      .channel_activate = &channel_activate,
      .channel_gradient = &channel_gradient,
      .pool_max = &pool_max,
      .pool_max_backward = &pool_max_backward,
      .pool_max_bfloat16 = &pool_max_bfloat16,
      .pool_max_backward_halves = &pool_max_backward_halves,
      .pool_mean = &pool_mean,
      .scale = &scale,
      .add_scaled = &add_scaled,
  };
  return all;
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
