#include <nyala/losses/regression.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta) {
  const Pair y(y_true, y_pred, "huber");
  const Tensor size = abs(y.predicted - y.truth);
  // One expression for both parts: within delta it is size² / 2, beyond it delta * size - delta² / 2.
  const Tensor inner = minimum(size, delta);
  return mean(inner * (size - inner * 0.5), -1);
}

Huber::Huber(HuberOptions options) : Loss("huber_loss", {options.reduction, options.name}), own_(std::move(options)) {
  if (!(own_.delta > 0.0)) throw Error("Huber: delta must be positive, got " + Config(own_.delta).json());
}

Tensor Huber::call(const Tensor& y_true, const Tensor& y_pred) { return huber(y_true, y_pred, own_.delta); }

Config Huber::config() const {
  Config config = Loss::config();
  // Older versions of Keras refuse the key.
  if (own_.delta != 1.0) config["delta"] = own_.delta;
  return config;
}

Huber Huber::from_config(const Config& config) {
  HuberOptions o;
  read_common(config, o.reduction, o.name);
  o.delta = config.get("delta", o.delta);
  return Huber(std::move(o));
}

}  // namespace nyala::losses
