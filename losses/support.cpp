#include "support.hpp"

#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>

namespace nyala::losses {

Pair::Pair(const Tensor& y_true, const Tensor& y_pred, const char* loss) : truth(y_true), predicted(y_pred) {
  if (!truth.defined() || !predicted.defined()) throw Error(std::string(loss) + ": needs y_true and y_pred");
  if (!is_floating(predicted.dtype())) predicted = cast(predicted, floatx());
  if (truth.dtype() != predicted.dtype()) truth = cast(truth, predicted.dtype());
  if (truth.rank() == predicted.rank() + 1 && truth.shape().back() == 1) {
    truth = squeeze(truth, -1);
  } else if (predicted.rank() == truth.rank() + 1 && predicted.shape().back() == 1) {
    truth = expand_dims(truth, -1);
  }
  if (truth.shape() != predicted.shape()) {
    const bool class_numbers = std::string(loss) == "categorical_crossentropy" && truth.rank() + 1 == predicted.rank();
    throw Error(std::string(loss) + ": y_true and y_pred must have one shape, got " + y_true.shape().str() + " and " +
                y_pred.shape().str() +
                (class_numbers ? " (class numbers are for sparse_categorical_crossentropy)" : ""));
  }
  if (truth.rank() == 0) throw Error(std::string(loss) + ": y_true and y_pred must have a batch axis, got scalars");
}

Tensor class_numbers(const Tensor& y_true, const Tensor& y_pred, const char* loss) {
  Tensor classes = y_true;
  if (classes.rank() > 0 && classes.rank() == y_pred.rank() && classes.shape().back() == 1)
    classes = squeeze(classes, -1);
  Shape expected = y_pred.shape();
  if (!expected.empty()) expected.pop_back();
  if (classes.shape() != expected) {
    throw Error(std::string(loss) + ": y_true must hold one class number for each prediction, the shape " +
                expected.str() + " for y_pred " + y_pred.shape().str() + ", got " + y_true.shape().str());
  }
  return cast(classes, DType::int32);
}

Tensor smoothed(const Tensor& y_true, double smoothing) {
  if (smoothing == 0.0) return y_true;
  return y_true * (1.0 - smoothing) + smoothing / static_cast<double>(y_true.shape().back());
}

void require_classes(const Tensor& y_pred, int axis, const char* loss) {
  if (y_pred.rank() == 0) throw Error(std::string(loss) + ": y_pred must have an axis of classes, got a scalar");
  if (y_pred.shape().at(axis) == 1) {
    throw Error(std::string(loss) + ": y_pred needs at least 2 classes along axis " + std::to_string(axis) +
                ", got the shape " + y_pred.shape().str() + "; a single output goes with binary_crossentropy");
  }
}

void require_smoothing(double smoothing, const char* owner) {
  if (!(smoothing >= 0.0 && smoothing <= 1.0))
    throw Error(std::string(owner) + ": label_smoothing must be from 0 to 1, got " + Config(smoothing).json());
}

void require_not_negative(double value, const char* owner, const char* option) {
  if (!(value >= 0.0))
    throw Error(std::string(owner) + ": " + option + " must not be negative, got " + Config(value).json());
}

void read_common(const Config& config, std::optional<std::string>& reduction, std::string& name) {
  if (config.contains("reduction")) {
    const Config& given = config.at("reduction");
    reduction = given.is_null() ? std::nullopt : std::optional(given.as_string());
  }
  name = config.get("name", name.c_str());
}

LossOptions loss_options(const Config& config) {
  LossOptions options;
  read_common(config, options.reduction, options.name);
  return options;
}

Config axis_config(const Axes& axis) {
  if (axis.all()) return {};
  return axis.values().size() == 1 ? Config(axis.values().front()) : Config(axis.values());
}

Axes axis_from(const Config& config) {
  if (config.get("axis").is_null()) return {};
  std::vector<int> axes;
  for (const std::int64_t axis : config.at("axis").as_integers()) axes.push_back(static_cast<int>(axis));
  return axes;
}

}  // namespace nyala::losses
