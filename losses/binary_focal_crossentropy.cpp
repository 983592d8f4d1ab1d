#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor binary_focal_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool apply_class_balancing, double alpha,
                                 double gamma, bool from_logits, double label_smoothing, int axis) {
  const Pair y(y_true, y_pred, "binary_focal_crossentropy");
  const Tensor truth = label_smoothing == 0.0 ? y.truth : y.truth * (1.0 - label_smoothing) + 0.5 * label_smoothing;
  const Tensor probability = from_logits ? sigmoid(y.predicted) : y.predicted;
  const Tensor right = truth * probability + (1.0 - truth) * (1.0 - probability);
  Tensor loss = power(1.0 - right, gamma) * nyala::binary_crossentropy(truth, probability);
  if (apply_class_balancing) loss = loss * (truth * alpha + (1.0 - truth) * (1.0 - alpha));
  return mean(loss, axis);
}

BinaryFocalCrossentropy::BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options)
    : Loss("binary_focal_crossentropy", {options.reduction, options.name}), own_(std::move(options)) {
  require_smoothing(own_.label_smoothing, "BinaryFocalCrossentropy");
  require_not_negative(own_.gamma, "BinaryFocalCrossentropy", "gamma");
  require_not_negative(own_.alpha, "BinaryFocalCrossentropy", "alpha");
}

Tensor BinaryFocalCrossentropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return binary_focal_crossentropy(y_true, y_pred, own_.apply_class_balancing, own_.alpha, own_.gamma, own_.from_logits,
                                   own_.label_smoothing, own_.axis);
}

Config BinaryFocalCrossentropy::config() const {
  Config config = Loss::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  config["axis"] = own_.axis;
  config["apply_class_balancing"] = own_.apply_class_balancing;
  config["alpha"] = own_.alpha;
  config["gamma"] = own_.gamma;
  return config;
}

BinaryFocalCrossentropy BinaryFocalCrossentropy::from_config(const Config& config) {
  BinaryFocalCrossentropyOptions o;
  read_common(config, o.reduction, o.name);
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  o.axis = config.get("axis", o.axis);
  o.apply_class_balancing = config.get("apply_class_balancing", o.apply_class_balancing);
  o.alpha = config.get("alpha", o.alpha);
  o.gamma = config.get("gamma", o.gamma);
  return BinaryFocalCrossentropy(std::move(o));
}

}  // namespace nyala::losses
