#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor categorical_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, double alpha, double gamma,
                                      bool from_logits, double label_smoothing, int axis) {
  const Pair y(y_true, y_pred, "categorical_focal_crossentropy");
  require_classes(y.predicted, axis, "categorical_focal_crossentropy");
  const Tensor truth = smoothed(y.truth, label_smoothing);
  Tensor probability = from_logits ? softmax(y.predicted, axis) : y.predicted;
  probability = clip(probability / sum(probability, axis, true), epsilon(), 1.0 - epsilon());
  return sum(power(1.0 - probability, gamma) * truth * log(probability), axis) * -alpha;
}

CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options)
    : Loss("categorical_focal_crossentropy", {options.reduction, options.name}), own_(std::move(options)) {
  require_smoothing(own_.label_smoothing, "CategoricalFocalCrossentropy");
  require_not_negative(own_.gamma, "CategoricalFocalCrossentropy", "gamma");
  require_not_negative(own_.alpha, "CategoricalFocalCrossentropy", "alpha");
}

Tensor CategoricalFocalCrossentropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return categorical_focal_crossentropy(y_true, y_pred, own_.alpha, own_.gamma, own_.from_logits, own_.label_smoothing,
                                        own_.axis);
}

Config CategoricalFocalCrossentropy::config() const {
  Config config = Loss::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  config["axis"] = own_.axis;
  config["alpha"] = own_.alpha;
  config["gamma"] = own_.gamma;
  return config;
}

CategoricalFocalCrossentropy CategoricalFocalCrossentropy::from_config(const Config& config) {
  CategoricalFocalCrossentropyOptions o;
  read_common(config, o.reduction, o.name);
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  o.axis = config.get("axis", o.axis);
  o.alpha = config.get("alpha", o.alpha);
  o.gamma = config.get("gamma", o.gamma);
  return CategoricalFocalCrossentropy(std::move(o));
}

}  // namespace nyala::losses
