#include <nyala/losses/margin.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "kl_divergence");
  const Tensor truth = clip(y.truth, epsilon(), 1.0), predicted = clip(y.predicted, epsilon(), 1.0);
  return sum(truth * log(truth / predicted), -1);
}

KLDivergence::KLDivergence(LossOptions options) : Loss("kl_divergence", std::move(options)) {}

Tensor KLDivergence::call(const Tensor& y_true, const Tensor& y_pred) { return kl_divergence(y_true, y_pred); }

KLDivergence KLDivergence::from_config(const Config& config) { return KLDivergence(loss_options(config)); }

}  // namespace nyala::losses
