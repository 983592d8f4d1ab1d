#include <algorithm>
#include <numeric>

#include <nyala/autograd.hpp>
#include <nyala/metrics/iou.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>

#include "support.hpp"

namespace nyala::metrics {

namespace {

std::vector<int> all_classes(int count) {
  std::vector<int> classes(static_cast<std::size_t>(std::max(0, count)));
  std::iota(classes.begin(), classes.end(), 0);
  return classes;
}

IoUOptions one_hot(const OneHotIoUOptions& o) {
  return {.ignore_class = o.ignore_class,
          .sparse_y_true = false,
          .sparse_y_pred = o.sparse_y_pred,
          .axis = o.axis,
          .dtype = o.dtype,
          .name = o.name};
}

/// Keras writes "int" or the name of a dtype; what is not known counts as its default does.
DType dtype_from(const Config& config) {
  const std::string name = config.contains("dtype") && config.at("dtype").is_string() ? config.get("dtype", "") : "";
  return name.find("float") != std::string::npos ? dtype_from_name(name) : DType::int32;
}

std::vector<int> targets_from(const Config& config) {
  std::vector<int> targets;
  for (const std::int64_t target : config.at("target_class_ids").as_integers())
    targets.push_back(static_cast<int>(target));
  return targets;
}

}  // namespace

IoU::IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions options)
    : IoU(num_classes, std::move(target_class_ids), std::move(options), "io_u") {}

IoU::IoU(int num_classes, std::vector<int> target_class_ids, IoUOptions options, const char* default_name)
    : Metric(named(options.name, default_name)),
      num_classes_(num_classes),
      targets_(std::move(target_class_ids)),
      own_(std::move(options)),
      matrix_(std::make_shared<Tensor>()) {
  require_positive(num_classes, name().c_str(), "num_classes");
  for (const int target : targets_) {
    if (target < 0 || target >= num_classes) {
      throw Error(name() + ": target_class_ids must be below num_classes, " + std::to_string(num_classes) + ", got " +
                  std::to_string(target));
    }
  }
}

void IoU::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  StopRecording stop;
  if (!y_true.defined() || !y_pred.defined()) throw Error(name() + ": needs y_true and y_pred");
  const Tensor truth = ravel(cast(own_.sparse_y_true ? y_true : argmax(y_true, own_.axis), DType::int32));
  const Tensor predicted = ravel(cast(own_.sparse_y_pred ? y_pred : argmax(y_pred, own_.axis), DType::int32));
  if (truth.size() != predicted.size()) {
    throw Error(name() + ": y_true and y_pred must hold one class each per pixel, got " + y_true.shape().str() +
                " and " + y_pred.shape().str());
  }
  const auto inside = [&](const Tensor& x) { return logical_and(x >= 0, x < num_classes_); };
  Tensor counted = logical_and(inside(truth), inside(predicted));
  if (own_.ignore_class) counted = logical_and(counted, not_equal(truth, *own_.ignore_class));
  Tensor weights = cast(counted, DType::float64);
  if (sample_weight.defined()) {
    const Tensor precise = ravel(cast(sample_weight, DType::float64));
    const Tensor given = is_floating(own_.dtype) ? precise : trunc(precise);
    if (given.size() != truth.size() && given.size() != 1) {
      throw Error(name() + ": sample weights of shape " + sample_weight.shape().str() + " do not fit to y_true " +
                  y_true.shape().str());
    }
    weights = weights * given;
  }
  const Tensor cell = where(counted, truth * num_classes_ + predicted, 0);
  const std::int64_t classes = num_classes_;
  const Tensor sums = reshape(segment_sum(weights, cast(cell, DType::int32), classes * classes), {classes, classes});
  *matrix_ = matrix_->defined() ? *matrix_ + sums : sums;
}

Tensor IoU::result() {
  if (!matrix_->defined()) return zeros({});
  const auto n = static_cast<std::size_t>(num_classes_);
  const std::vector<double> matrix = matrix_->to_vector<double>();
  double total = 0.0, present = 0.0;
  for (const int target : targets_) {
    const auto t = static_cast<std::size_t>(target);
    double together = -matrix[t * n + t];
    for (std::size_t k = 0; k < n; ++k) together += matrix[t * n + k] + matrix[k * n + t];
    constexpr double nothing = 1e-9;
    if (together <= nothing) continue;
    total += matrix[t * n + t] / (together + epsilon());
    present += 1.0;
  }
  return cast(Tensor(total / (present + epsilon())), floatx());
}

void IoU::reset_state() { *matrix_ = Tensor(); }
SavedState IoU::state() const { return gathered({{"matrix", *matrix_}}); }

void IoU::restore(const SavedState& state) {
  const Tensor matrix = sum_of(state, "matrix");
  if (matrix.defined() && matrix.shape() != Shape{num_classes_, num_classes_}) {
    throw Error(name() + ": a state of another number of classes cannot be restored");
  }
  *matrix_ = matrix;
}

Config IoU::iou_config() const {
  Config config = Metric::config();
  config["dtype"] = name_of(own_.dtype);
  return config;
}

IoUOptions IoU::iou_options(const Config& config, bool one_hot_labels) {
  return {.ignore_class = config.optional_int("ignore_class"),
          .sparse_y_true = config.get("sparse_y_true", !one_hot_labels),
          .sparse_y_pred = config.get("sparse_y_pred", !one_hot_labels),
          .axis = config.get("axis", -1),
          .dtype = dtype_from(config),
          .name = config.get("name", "")};
}

Config IoU::config() const {
  Config config = iou_config();
  config["num_classes"] = num_classes_;
  config["target_class_ids"] = targets_;
  config["ignore_class"] = own_.ignore_class;
  config["sparse_y_true"] = own_.sparse_y_true;
  config["sparse_y_pred"] = own_.sparse_y_pred;
  config["axis"] = own_.axis;
  return config;
}

IoU IoU::from_config(const Config& config) {
  return {config.at("num_classes").as_int(), targets_from(config), iou_options(config, false)};
}

BinaryIoU::BinaryIoU(BinaryIoUOptions options)
    : IoU(2, std::move(options.target_class_ids), {.dtype = options.dtype, .name = options.name}, "binary_io_u"),
      threshold_(options.threshold) {}

void BinaryIoU::update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) {
  StopRecording stop;
  if (!y_true.defined() || !y_pred.defined()) throw Error(name() + ": needs y_true and y_pred");
  IoU::update_state(y_true, y_pred >= threshold_, sample_weight);
}

Config BinaryIoU::config() const {
  return Config::object(
      {{"target_class_ids", targets_}, {"threshold", threshold_}, {"name", name()}, {"dtype", name_of(own_.dtype)}});
}

BinaryIoU BinaryIoU::from_config(const Config& config) {
  return BinaryIoU({.target_class_ids = config.contains("target_class_ids") ? targets_from(config) : all_classes(2),
                    .threshold = config.get("threshold", 0.5),
                    .dtype = dtype_from(config),
                    .name = config.get("name", "")});
}

MeanIoU::MeanIoU(int num_classes, IoUOptions options)
    : IoU(num_classes, all_classes(num_classes), std::move(options), "mean_io_u") {}

Config MeanIoU::config() const {
  Config config = IoU::config();
  config.erase("target_class_ids");
  return config;
}

MeanIoU MeanIoU::from_config(const Config& config) {
  return MeanIoU(config.at("num_classes").as_int(), iou_options(config, false));
}

OneHotIoU::OneHotIoU(int num_classes, std::vector<int> target_class_ids, OneHotIoUOptions options)
    : IoU(num_classes, std::move(target_class_ids), one_hot(options), "one_hot_io_u") {}

Config OneHotIoU::config() const {
  Config config = IoU::config();
  config.erase("sparse_y_true");
  return config;
}

OneHotIoU OneHotIoU::from_config(const Config& config) {
  const IoUOptions o = iou_options(config, true);
  return {config.at("num_classes").as_int(),
          targets_from(config),
          {.ignore_class = o.ignore_class,
           .sparse_y_pred = o.sparse_y_pred,
           .axis = o.axis,
           .dtype = o.dtype,
           .name = o.name}};
}

OneHotMeanIoU::OneHotMeanIoU(int num_classes, OneHotIoUOptions options)
    : IoU(num_classes, all_classes(num_classes), one_hot(options), "one_hot_mean_io_u") {}

Config OneHotMeanIoU::config() const {
  Config config = IoU::config();
  config.erase("sparse_y_true");
  config.erase("target_class_ids");
  return config;
}

OneHotMeanIoU OneHotMeanIoU::from_config(const Config& config) {
  const IoUOptions o = iou_options(config, true);
  return OneHotMeanIoU(config.at("num_classes").as_int(), {.ignore_class = o.ignore_class,
                                                           .sparse_y_pred = o.sparse_y_pred,
                                                           .axis = o.axis,
                                                           .dtype = o.dtype,
                                                           .name = o.name});
}

}  // namespace nyala::metrics
