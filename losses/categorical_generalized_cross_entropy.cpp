#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor categorical_generalized_cross_entropy(const Tensor& y_true, const Tensor& y_pred, double q) {
  const Tensor classes = class_numbers(y_true, y_pred, "categorical_generalized_cross_entropy");
  const Tensor probability = squeeze(take_along_axis(y_pred, expand_dims(classes, -1), -1), -1);
  return (1.0 - power(probability, q)) / q;
}

CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(
    CategoricalGeneralizedCrossEntropyOptions options)
    : Loss("categorical_generalized_cross_entropy", {options.reduction, options.name}), own_(std::move(options)) {
  if (!(own_.q > 0.0 && own_.q < 1.0))
    throw Error("CategoricalGeneralizedCrossEntropy: q must be between 0 and 1, got " + Config(own_.q).json());
}

Tensor CategoricalGeneralizedCrossEntropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return categorical_generalized_cross_entropy(y_true, y_pred, own_.q);
}

Config CategoricalGeneralizedCrossEntropy::config() const {
  Config config = Loss::config();
  config["q"] = own_.q;
  return config;
}

CategoricalGeneralizedCrossEntropy CategoricalGeneralizedCrossEntropy::from_config(const Config& config) {
  CategoricalGeneralizedCrossEntropyOptions o;
  read_common(config, o.reduction, o.name);
  o.q = config.get("q", o.q);
  return CategoricalGeneralizedCrossEntropy(std::move(o));
}

}  // namespace nyala::losses
