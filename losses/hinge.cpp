#include <nyala/losses/margin.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

namespace {

/// Labels 0 and 1 as -1 and 1; others as they are. Decided on the labels' device.
Tensor signed_labels(const Tensor& y_true) {
  const Tensor binary = all(logical_or(y_true == 0.0, y_true == 1.0));
  return where(binary, y_true * 2.0 - 1.0, y_true);
}

}  // namespace

Tensor hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "hinge");
  return mean(maximum(1.0 - signed_labels(y.truth) * y.predicted, 0.0), -1);
}

Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "squared_hinge");
  return mean(square(maximum(1.0 - signed_labels(y.truth) * y.predicted, 0.0)), -1);
}

Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred) {
  const Pair y(y_true, y_pred, "categorical_hinge");
  const Tensor right = sum(y.truth * y.predicted, -1), wrong = max((1.0 - y.truth) * y.predicted, -1);
  return maximum(wrong - right + 1.0, 0.0);
}

Hinge::Hinge(LossOptions options) : Loss("hinge", std::move(options)) {}

Tensor Hinge::call(const Tensor& y_true, const Tensor& y_pred) { return hinge(y_true, y_pred); }

Hinge Hinge::from_config(const Config& config) { return Hinge(loss_options(config)); }

SquaredHinge::SquaredHinge(LossOptions options) : Loss("squared_hinge", std::move(options)) {}

Tensor SquaredHinge::call(const Tensor& y_true, const Tensor& y_pred) { return squared_hinge(y_true, y_pred); }

SquaredHinge SquaredHinge::from_config(const Config& config) { return SquaredHinge(loss_options(config)); }

CategoricalHinge::CategoricalHinge(LossOptions options) : Loss("categorical_hinge", std::move(options)) {}

Tensor CategoricalHinge::call(const Tensor& y_true, const Tensor& y_pred) { return categorical_hinge(y_true, y_pred); }

CategoricalHinge CategoricalHinge::from_config(const Config& config) { return CategoricalHinge(loss_options(config)); }

}  // namespace nyala::losses
