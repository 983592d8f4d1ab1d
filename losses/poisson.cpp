#include <nyala/losses/margin.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor poisson(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "poisson");
  return mean(y.predicted - y.truth * log(y.predicted + epsilon()), -1);
}

Poisson::Poisson(LossOptions options) : Loss("poisson", std::move(options)) {}

Tensor Poisson::call(const Tensor& y_true, const Tensor& y_pred) { return poisson(y_true, y_pred); }

Poisson Poisson::from_config(const Config& config) { return Poisson(loss_options(config)); }

}  // namespace nyala::losses
