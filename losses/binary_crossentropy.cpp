#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor binary_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits, double label_smoothing,
                           int axis) {
  const Pair y(y_true, y_pred, "binary_crossentropy");
  const Tensor truth = label_smoothing == 0.0 ? y.truth : y.truth * (1.0 - label_smoothing) + 0.5 * label_smoothing;
  return mean(nyala::binary_crossentropy(truth, y.predicted, from_logits), axis);
}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions options)
    : Loss("binary_crossentropy", {options.reduction, options.name}), own_(std::move(options)) {
  require_smoothing(own_.label_smoothing, "BinaryCrossentropy");
}

Tensor BinaryCrossentropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return losses::binary_crossentropy(y_true, y_pred, own_.from_logits, own_.label_smoothing, own_.axis);
}

Config BinaryCrossentropy::config() const {
  Config config = Loss::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  config["axis"] = own_.axis;
  return config;
}

BinaryCrossentropy BinaryCrossentropy::from_config(const Config& config) {
  BinaryCrossentropyOptions o;
  read_common(config, o.reduction, o.name);
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  o.axis = config.get("axis", o.axis);
  return BinaryCrossentropy(std::move(o));
}

}  // namespace nyala::losses
