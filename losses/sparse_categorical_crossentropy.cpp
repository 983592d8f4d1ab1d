#include <nyala/losses/crossentropy.hpp>

#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/nn.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::losses {

Tensor sparse_categorical_crossentropy(const Tensor& y_true, const Tensor& y_pred, bool from_logits,
                                       std::optional<int> ignore_class, int axis) {
  const char* name = "sparse_categorical_crossentropy";
  require_classes(y_pred, axis, name);
  Shape expected = y_pred.shape();
  expected.erase(static_cast<std::size_t>(axis < 0 ? axis + y_pred.rank() : axis));
  Tensor truth = y_true;
  if (truth.rank() == y_pred.rank() && truth.shape().at(axis) == 1) truth = squeeze(truth, axis);
  if (truth.shape() != expected) {
    throw Error(std::string(name) + ": y_true must hold one class number for each prediction, the shape " +
                expected.str() + " for y_pred " + y_pred.shape().str() + ", got " + y_true.shape().str() +
                (y_true.shape() == y_pred.shape() ? " (one-hot labels are for categorical_crossentropy)" : ""));
  }
  if (is_floating(truth.dtype())) truth = cast(truth, DType::int32);
  if (!ignore_class) return nyala::sparse_categorical_crossentropy(truth, y_pred, from_logits, axis);
  const Tensor valid = not_equal(truth, *ignore_class);
  truth = where(valid, truth, zeros_like(truth));
  const Tensor losses = nyala::sparse_categorical_crossentropy(truth, y_pred, from_logits, axis);
  return where(valid, losses, zeros_like(losses)).with_mask(valid);
}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options)
    : Loss("sparse_categorical_crossentropy", {options.reduction, options.name}), own_(std::move(options)) {}

Tensor SparseCategoricalCrossentropy::call(const Tensor& y_true, const Tensor& y_pred) {
  return losses::sparse_categorical_crossentropy(y_true, y_pred, own_.from_logits, own_.ignore_class, own_.axis);
}

Config SparseCategoricalCrossentropy::config() const {
  Config config = Loss::config();
  config["from_logits"] = own_.from_logits;
  config["ignore_class"] = own_.ignore_class;
  // Older versions of Keras refuse the key.
  if (own_.axis != -1) config["axis"] = own_.axis;
  return config;
}

SparseCategoricalCrossentropy SparseCategoricalCrossentropy::from_config(const Config& config) {
  SparseCategoricalCrossentropyOptions o;
  read_common(config, o.reduction, o.name);
  o.from_logits = config.get("from_logits", o.from_logits);
  o.ignore_class = config.optional_int("ignore_class");
  o.axis = config.get("axis", o.axis);
  return SparseCategoricalCrossentropy(std::move(o));
}

}  // namespace nyala::losses
