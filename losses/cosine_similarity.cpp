#include <nyala/losses/regression.hpp>

#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis) {
  const Pair y(y_true, y_pred, "cosine_similarity");
  return -sum(normalize(y.truth, axis) * normalize(y.predicted, axis), axis);
}

CosineSimilarity::CosineSimilarity(CosineSimilarityOptions options)
    : Loss("cosine_similarity", {options.reduction, options.name}), own_(std::move(options)) {}

Tensor CosineSimilarity::call(const Tensor& y_true, const Tensor& y_pred) {
  return cosine_similarity(y_true, y_pred, own_.axis);
}

Config CosineSimilarity::config() const {
  Config config = Loss::config();
  // Older versions of Keras refuse the key.
  if (own_.axis != -1) config["axis"] = own_.axis;
  return config;
}

CosineSimilarity CosineSimilarity::from_config(const Config& config) {
  CosineSimilarityOptions o;
  read_common(config, o.reduction, o.name);
  o.axis = config.get("axis", o.axis);
  return CosineSimilarity(std::move(o));
}

}  // namespace nyala::losses
