#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "ops/follow_up.hpp"
#include "ops/nn_support.hpp"
#include "ops/replay.hpp"

namespace nyala {

namespace {

constexpr const char* train = "batch_norm_train";
constexpr const char* inference = "batch_normalization";

Shape rows_and_channels(const Tensor& x) {
  const std::int64_t channels = x.shape().back();
  return {channels == 0 ? 0 : x.size() / channels, channels};
}

/// One number per channel in the statistics' dtype; null stays null.
Tensor per_channel(const Tensor& weight, const Tensor& x, int axis, const char* op, const char* name) {
  if (!weight.defined()) return weight;
  const std::int64_t channels = x.shape().at(axis);
  if (weight.rank() != 1 || weight.shape()[0] != channels) {
    ops::fail(op, ": ", name, " must have the shape (", channels, ",), one number per channel of x ", x.shape(),
              ", got ", weight.shape());
  }
  return ops::in_dtype(weight, ops::is_half(x.dtype()) ? DType::float32 : x.dtype());
}

/// (x - mean) / deviation * gamma + beta, by elementwise operations.
Tensor normalised(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma, const Tensor& beta,
                  double epsilon) {
  const Tensor inverse = rsqrt(variance + epsilon);
  Tensor y = (x - mean) * (gamma.defined() ? inverse * gamma : inverse);
  return beta.defined() ? y + beta : y;
}

BatchNormResult by_operations(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const Tensor rows = reshape(x, rows_and_channels(x));
  const Tensor middle = mean(rows, 0);
  const Tensor variance = mean(square(rows - middle), 0);
  const Tensor y = normalised(rows, middle, variance, gamma, beta, epsilon);
  return {ops::in_dtype(reshape(y, x.shape()), x.dtype()), middle, variance};
}

/// x with its channels last.
BatchNormResult normalise_batch(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  const DType precise = ops::is_half(x.dtype()) ? DType::float32 : x.dtype();
  const Shape rows = rows_and_channels(x), channels{x.shape().back()};
  BatchNormResult result{ops::empty_like(x), Tensor::empty(channels, precise, x.device()),
                         Tensor::empty(channels, precise, x.device())};
  Tensor y_rows = detail::alias(result.y, rows);
  backend::kernels(x, gamma, beta)
      .batch_norm_train(detail::alias(x, rows), gamma, beta, epsilon, y_rows, result.mean, result.variance);
  if (!autograd::recording(x, gamma, beta)) return result;
  auto backward = [x, gamma, beta, epsilon, rows, middle = autograd::save_output(result.mean),
                   variance = autograd::save_output(result.variance)](autograd::Backward& g) {
    if (autograd::recording(x, gamma) || autograd::recording(x, g.grad(0), g.grad(1), g.grad(2))) {
      ops::differentiate_again(g, {x, gamma, beta}, [epsilon](const std::vector<Tensor>& in) -> std::vector<Tensor> {
        const BatchNormResult again = by_operations(in[0], in[1], in[2], epsilon);
        return {again.y, again.mean, again.variance};
      });
      return;
    }
    Tensor dx;
    if (g.grad().defined()) {
      const bool in_place = x.device().kind() == Device::Kind::cpu && g.grad().dtype() == x.dtype();
      dx = in_place ? g.place_like_grad() : ops::empty_like(x);
      Tensor dx_rows = detail::alias(dx, rows);
      Tensor dgamma = g.needs(1) ? ops::empty_like(gamma) : Tensor();
      Tensor dbeta = g.needs(2) ? ops::empty_like(beta) : Tensor();
      backend::kernels(x).batch_norm_backward(detail::alias(x, rows), detail::alias(g.grad(), rows), gamma, middle,
                                              variance, epsilon, dx_rows, dgamma, dbeta);
      g.set(1, dgamma);
      g.set(2, dbeta);
    }
    if (g.grad(1).defined() || g.grad(2).defined()) {
      const double share = 1.0 / static_cast<double>(rows.front());
      Tensor of_statistics = dx.defined() ? dx : ops::zeros_for(x, x.shape());
      if (g.grad(1).defined()) of_statistics = of_statistics + g.grad(1) * share;
      if (g.grad(2).defined()) of_statistics = of_statistics + (x - middle) * (g.grad(2) * (2.0 * share));
      dx = ops::in_dtype(of_statistics, x.dtype());
    }
    g.set(0, dx);
  };
  autograd::attach_all({&result.y, &result.mean, &result.variance}, train, {x, gamma, beta}, std::move(backward));
  return result;
}

/// Statistics over the unmasked positions. https://keras.io/api/layers/normalization_layers/batch_normalization
BatchNormResult normalise_masked(const Tensor& given, const Tensor& gamma, const Tensor& beta, int axis, double epsilon,
                                 const Tensor& mask) {
  const Tensor x = ops::is_half(given.dtype()) ? cast(given, DType::float32) : given;
  Shape positions = x.shape();
  positions.pop_back();
  if (mask.shape() != positions) {
    ops::fail(train, ": the mask must have the shape ", positions, " of x ", x.shape(), " without its last axis, got ",
              mask.shape());
  }
  std::vector<int> others;
  for (int i = 0; i < x.rank(); ++i) {
    if (i != axis) others.push_back(i);
  }
  const Tensor counts =
      broadcast_to(expand_dims(ops::in_dtype(ops::in_dtype(mask, DType::boolean), x.dtype()), -1), x.shape());
  const Tensor taking_part = ops::in_dtype(counts, DType::boolean);
  const Tensor number = sum(counts, others, true) + nyala::epsilon();
  const Tensor middle = sum(where(taking_part, x, 0.0), others, true) / number;
  const Tensor variance = sum(where(taking_part, square(x - middle), 0.0), others, true) / number;
  const Tensor y = normalised(x, middle, variance, gamma.defined() ? reshape(gamma, middle.shape()) : gamma,
                              beta.defined() ? reshape(beta, middle.shape()) : beta, epsilon);
  const Shape channels{x.shape().at(axis)};
  return {ops::in_dtype(y, given.dtype()), reshape(middle, channels), reshape(variance, channels)};
}

/// Whether a residual can be added in the same sweep.
bool fits(const Tensor& residual, const Tensor& x) {
  return !residual.defined() ||
         (residual.shape() == x.shape() && residual.dtype() == x.dtype() && residual.device() == x.device());
}

/// x with its channels last, statistics given.
Tensor normalise_by(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                    const Tensor& beta, double epsilon) {
  Tensor y = ops::empty_like(x);
  const Shape rows = rows_and_channels(x);
  Tensor y_rows = detail::alias(y, rows);
  backend::kernels(x, mean, variance, gamma, beta)
      .batch_norm_inference(detail::alias(x, rows), mean, variance, gamma, beta, epsilon, y_rows);
  if (!autograd::recording(x, mean, variance, gamma, beta)) return y;
  const bool needs_x = autograd::tracked(mean) || autograd::tracked(variance) || autograd::tracked(gamma);
  autograd::attach(y, inference, {x, mean, variance, gamma, beta},
                   [kept_x = needs_x ? x : Tensor(), shape = x.shape(), dtype = x.dtype(), mean, variance, gamma, beta,
                    epsilon, rows](autograd::Backward& g) {
                     const Tensor dy = reshape(g.grad(), rows);
                     const Tensor inverse = rsqrt(variance + epsilon);
                     const Tensor scale = gamma.defined() ? inverse * gamma : inverse;
                     if (g.needs(0)) g.set(0, ops::in_dtype(reshape(dy * scale, shape), dtype));
                     if (g.needs(4)) g.set(4, ops::in_dtype(sum(dy, 0), beta.dtype()));
                     if (!kept_x.defined()) return;
                     if (g.needs(1)) g.set(1, negative(ops::in_dtype(sum(dy, 0), mean.dtype()) * scale));
                     if (!g.needs(2) && !g.needs(3)) return;
                     const Tensor along = ops::in_dtype(sum(dy * (reshape(kept_x, rows) - mean), 0), mean.dtype());
                     if (g.needs(2)) g.set(2, along * scale * square(inverse) * -0.5);
                     if (g.needs(3)) g.set(3, along * inverse);
                   });
  return y;
}

}  // namespace

BatchNormResult batch_norm_train(const Tensor& given, const Tensor& gamma, const Tensor& beta, int axis, double epsilon,
                                 const Tensor& mask) {
  const Tensor x = ops::in_floating(given, train);
  const int channel_axis = ops::normalized_axis(axis, x.rank(), train);
  const Tensor scale = per_channel(gamma, x, channel_axis, train, "gamma");
  const Tensor shift = per_channel(beta, x, channel_axis, train, "beta");
  if (mask.defined()) return normalise_masked(x, scale, shift, channel_axis, epsilon, mask);
  if (channel_axis == x.rank() - 1) {
    ops::FollowUp* next = ops::OfferFollowUp::take();
    if (next == nullptr || !fits(next->finish.residual, x)) return normalise_batch(x, scale, shift, epsilon);
    next->taken = true;
    const ops::FollowedBatchNorm all = ops::batch_norm_followed(x, scale, shift, epsilon, *next);
    return {all.y, all.mean, all.variance};
  }
  BatchNormResult result = normalise_batch(moveaxis(x, channel_axis, -1), scale, shift, epsilon);
  result.y = moveaxis(result.y, -1, channel_axis);
  return result;
}

Tensor batch_normalization(const Tensor& given, const Tensor& mean, const Tensor& variance, int axis,
                           const Tensor& beta, const Tensor& gamma, double epsilon) {
  const Tensor x = ops::in_floating(given, inference);
  const int channel_axis = ops::normalized_axis(axis, x.rank(), inference);
  detail::require_defined(mean, inference);
  detail::require_defined(variance, inference);
  const Tensor middle = per_channel(mean, x, channel_axis, inference, "mean");
  const Tensor spread = per_channel(variance, x, channel_axis, inference, "variance");
  const Tensor scale = per_channel(gamma, x, channel_axis, inference, "gamma");
  const Tensor shift = per_channel(beta, x, channel_axis, inference, "beta");
  if (channel_axis == x.rank() - 1) return normalise_by(x, middle, spread, scale, shift, epsilon);
  return moveaxis(normalise_by(moveaxis(x, channel_axis, -1), middle, spread, scale, shift, epsilon), -1, channel_axis);
}

}  // namespace nyala
