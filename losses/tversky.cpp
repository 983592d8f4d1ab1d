#include <nyala/losses/overlap.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha, double beta, const Axes& axis) {
  const Pair y(y_true, y_pred, "tversky");
  const Tensor common = sum(y.truth * y.predicted, axis);
  const Tensor missed = sum(y.truth * (1.0 - y.predicted), axis), added = sum(y.predicted * (1.0 - y.truth), axis);
  return 1.0 - common / (common + missed * alpha + added * beta + epsilon());
}

Tversky::Tversky(TverskyOptions options)
    : Loss("tversky", {options.reduction, options.name}), own_(std::move(options)) {
  require_not_negative(own_.alpha, "Tversky", "alpha");
  require_not_negative(own_.beta, "Tversky", "beta");
}

Tensor Tversky::call(const Tensor& y_true, const Tensor& y_pred) {
  return tversky(y_true, y_pred, own_.alpha, own_.beta, own_.axis);
}

Config Tversky::config() const {
  Config config = Loss::config();
  config["alpha"] = own_.alpha;
  config["beta"] = own_.beta;
  config["axis"] = axis_config(own_.axis);
  return config;
}

Tversky Tversky::from_config(const Config& config) {
  TverskyOptions o;
  read_common(config, o.reduction, o.name);
  o.alpha = config.get("alpha", o.alpha);
  o.beta = config.get("beta", o.beta);
  o.axis = axis_from(config);
  return Tversky(std::move(o));
}

}  // namespace nyala::losses
