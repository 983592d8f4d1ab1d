#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits, double label_smoothing,
                                int axis) {
  const Pair y(y_true, y_pred, "categorical_crossentropy");
  require_classes(y.predicted, axis, "categorical_crossentropy");
  return nyala::categorical_crossentropy(smoothed(y.truth, label_smoothing), y.predicted, from_logits, axis);
}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions options)
    : Loss("categorical_crossentropy", {options.reduction, options.name}), own_(std::move(options)) {
  require_smoothing(own_.label_smoothing, "CategoricalCrossentropy");
}

Tensor CategoricalCrossentropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return losses::categorical_crossentropy(y_true, y_pred, own_.from_logits, own_.label_smoothing, own_.axis);
}

Config CategoricalCrossentropy::config() const {
  Config config = Loss::config();
  config["from_logits"] = own_.from_logits;
  config["label_smoothing"] = own_.label_smoothing;
  config["axis"] = own_.axis;
  return config;
}

CategoricalCrossentropy CategoricalCrossentropy::from_config(const Config& config) {
  CategoricalCrossentropyOptions o;
  read_common(config, o.reduction, o.name);
  o.from_logits = config.get("from_logits", o.from_logits);
  o.label_smoothing = config.get("label_smoothing", o.label_smoothing);
  o.axis = config.get("axis", o.axis);
  return CategoricalCrossentropy(std::move(o));
}

}  // namespace nyala::losses
