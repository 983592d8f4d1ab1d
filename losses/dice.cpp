#include <nyala/losses/overlap.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor dice(const Tensor& y_true, const Tensor& y_pred, const Axes& axis) {
  const Pair y(y_true, y_pred, "dice");
  const Tensor common = sum(y.truth * y.predicted, axis);
  return 1.0 - common * 2.0 / (sum(y.truth, axis) + sum(y.predicted, axis) + epsilon());
}

Dice::Dice(DiceOptions options) : Loss("dice", {options.reduction, options.name}), own_(std::move(options)) {}

Tensor Dice::call(const Tensor& y_true, const Tensor& y_pred) { return dice(y_true, y_pred, own_.axis); }

Config Dice::config() const {
  Config config = Loss::config();
  config["axis"] = axis_config(own_.axis);
  return config;
}

Dice Dice::from_config(const Config& config) {
  DiceOptions o;
  read_common(config, o.reduction, o.name);
  o.axis = axis_from(config);
  return Dice(std::move(o));
}

}  // namespace nyala::losses
