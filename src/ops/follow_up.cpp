#include "ops/follow_up.hpp"

#include <nyala/ops/activations.hpp>
#include <nyala/ops/nn.hpp>

#include "ops/activation_gradient.hpp"
#include "ops/nn_support.hpp"
#include "ops/replay.hpp"

namespace nyala::ops {

namespace {

constexpr const char* follow_up_name = "batch_norm_activation";

Tensor activated(backend::Unary activation, const Tensor& x) {
  return activate(activation, activation == backend::Unary::relu6 ? "relu6" : "relu", x);
}

}  // namespace

FollowUp*& OfferFollowUp::offered() {
  thread_local FollowUp* current = nullptr;
  return current;
}

const backend::Finish* take_finish(const Tensor& y) {
  FollowUp* const next = OfferFollowUp::take();
  if (next == nullptr || y.dtype() != DType::float32 || y.size() == 0) return nullptr;
  const backend::Finish& finish = next->finish;
  const auto fits = [&y](const Tensor& tensor, const Shape& shape) {
    return !tensor.defined() ||
           (tensor.dtype() == y.dtype() && tensor.device() == y.device() && tensor.shape() == shape);
  };
  const Shape channels{y.shape().back()};
  for (const Tensor* values : {&finish.mean, &finish.variance, &finish.gamma, &finish.beta}) {
    if (!fits(*values, channels)) return nullptr;
  }
  if (!fits(finish.residual, y.shape())) return nullptr;
  next->taken = true;
  return &finish;
}

FollowedBatchNorm batch_norm_followed(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon,
                                      const FollowUp& follow_up) {
  const DType precise = is_half(x.dtype()) ? DType::float32 : x.dtype();
  const std::int64_t channel_count = x.shape().back();
  const Shape channels{channel_count}, rows{channel_count == 0 ? 0 : x.size() / channel_count, channel_count};
  FollowedBatchNorm result{empty_like(x), Tensor::empty(channels, precise, x.device()),
                           Tensor::empty(channels, precise, x.device())};
  const backend::Unary activation = follow_up.finish.activation.value_or(backend::Unary::relu);
  const Tensor& residual = follow_up.finish.residual;
  const auto as_rows = [&rows](const Tensor& tensor) {
    return tensor.defined() ? detail::alias(tensor, rows) : Tensor();
  };
  Tensor y_rows = as_rows(result.y);
  backend::kernels(x, gamma, beta, residual)
      .batch_norm_activation_train(activation, as_rows(x), gamma, beta, as_rows(residual), epsilon, y_rows, result.mean,
                                   result.variance);
  if (!autograd::recording(x, gamma, beta, residual)) return result;
  auto backward = [x, gamma, beta, epsilon, activation, rows, kept_residual = autograd::tracked(residual),
                   given = residual, y = autograd::save_output(result.y), middle = autograd::save_output(result.mean),
                   variance = autograd::save_output(result.variance)](autograd::Backward& g) {
    if (autograd::recording(x, gamma, g.grad())) {
      differentiate_again(g, {x, gamma, beta, given}, [=](const std::vector<Tensor>& in) -> std::vector<Tensor> {
        const Tensor plain = batch_norm_train(in[0], in[1], in[2], -1, epsilon).y;
        return {activated(activation, in[3].defined() ? plain + in[3] : plain)};
      });
      return;
    }
    Tensor place = g.grad().dtype() == x.dtype() ? g.place_like_grad() : empty_like(x);
    Tensor dx = given.defined() ? empty_like(x) : place, dresidual = kept_residual ? place : Tensor();
    Tensor dgamma = g.needs(1) ? empty_like(gamma) : Tensor(), dbeta = g.needs(2) ? empty_like(beta) : Tensor();
    Tensor dx_rows = detail::alias(dx, rows);
    const Tensor residual_rows = given.defined() ? detail::alias(given, rows) : Tensor();
    Tensor dresidual_rows = dresidual.defined() ? detail::alias(dresidual, rows) : Tensor();
    backend::kernels(x).batch_norm_activation_backward(
        activation, detail::alias(x, rows), detail::alias(y, rows), detail::alias(g.grad(), rows), gamma, beta,
        residual_rows, middle, variance, epsilon, dx_rows, dgamma, dbeta, dresidual_rows);
    g.set(0, dx);
    g.set(1, dgamma);
    g.set(2, dbeta);
    g.set(3, dresidual);
  };
  autograd::attach(result.y, follow_up_name, {x, gamma, beta, residual}, std::move(backward));
  return result;
}

}  // namespace nyala::ops
