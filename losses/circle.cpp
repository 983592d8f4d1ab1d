#include <nyala/losses/overlap.hpp>

#include <limits>
#include <nyala/ops/activations.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor circle(const Tensor& y_true, const Tensor& y_pred, bool remove_diagonal, double gamma, double margin) {
  const Tensor classes = class_numbers(y_true, y_pred, "circle");
  if (y_pred.rank() != 2)
    throw Error("circle: y_pred must hold embeddings (batch, dim), got the shape " + y_pred.shape().str());
  const Tensor distance = maximum(1.0 - matmul(y_pred, y_pred, false, true), 0.0);
  const Tensor same = equal(expand_dims(classes, 1), expand_dims(classes, 0)), different = logical_not(same);
  const Tensor self = cast(eye(classes.size(), None, 0, y_pred.dtype()), DType::boolean);
  const Tensor positive = remove_diagonal ? logical_and(same, logical_not(self)) : same;
  const Tensor positive_weight = maximum(distance + margin, 0.0);
  const Tensor negative_weight = maximum(1.0 + margin - distance, 0.0);
  const Tensor nothing = full_like(distance, -std::numeric_limits<double>::infinity());
  const Tensor pull = where(positive, positive_weight * (margin - distance) * -gamma, nothing);
  const Tensor push = where(different, negative_weight * (1.0 - margin - distance) * gamma, nothing);
  const Tensor loss = softplus(logsumexp(pull, 1) + logsumexp(push, 1));
  return loss.with_mask(loss > 0.0);
}

Circle::Circle(CircleOptions options) : Loss("circle", {options.reduction, options.name}), own_(std::move(options)) {
  require_not_negative(own_.gamma, "Circle", "gamma");
  require_not_negative(own_.margin, "Circle", "margin");
}

Tensor Circle::call(const Tensor& y_true, const Tensor& y_pred) {
  return circle(y_true, y_pred, own_.remove_diagonal, own_.gamma, own_.margin);
}

Config Circle::config() const {
  Config config = Loss::config();
  config["gamma"] = own_.gamma;
  config["margin"] = own_.margin;
  config["remove_diagonal"] = own_.remove_diagonal;
  return config;
}

Circle Circle::from_config(const Config& config) {
  CircleOptions o;
  read_common(config, o.reduction, o.name);
  o.gamma = config.get("gamma", o.gamma);
  o.margin = config.get("margin", o.margin);
  o.remove_diagonal = config.get("remove_diagonal", o.remove_diagonal);
  return Circle(std::move(o));
}

}  // namespace nyala::losses
