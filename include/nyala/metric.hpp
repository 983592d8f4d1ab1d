#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/saved_state.hpp>
#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala {

struct MetricOptions {
  std::string name = {};
};

/// What training shows: a state that batches update. https://keras.io/api/metrics/
class Metric {
 public:
  virtual ~Metric() = default;
  virtual void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) = 0;
  /// A scalar, but for metrics that are one number per class.
  virtual Tensor result() = 0;
  virtual void reset_state() = 0;
  virtual std::string class_name() const { return {}; }
  /// {name, dtype, …}
  virtual Config config() const;
  /// What files say in place of class_name() and config(): the function or loss that the metric is the mean of, as the
  /// user gave it. Null, the default: they say those.
  virtual Config written_as() const { return {}; }
  /// "min", "max" or "": which way is better, for callbacks that watch it.
  virtual std::string direction() const { return {}; }
  /// What has been gathered since reset_state(), for a training that is cut off within an epoch; a metric that
  /// overrides neither begins at zero there.
  virtual SavedState state() const { return {}; }
  /// Throws Error, with nothing changed, for what state() could not have given.
  virtual void restore(const SavedState&) {}

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 protected:
  explicit Metric(std::string name) : name_(std::move(name)) {}

  std::string name_;
};

/// The metric that a reference stands for. "accuracy" and "crossentropy" are resolved by the shapes of the first batch,
/// as Keras does: y_true, y_pred and the loss' output shape.
std::shared_ptr<Metric> resolve(const MetricRef& ref, const Tensor& y_true, const Tensor& y_pred,
                                const std::string& owner);
/// Throws Error, with a suggestion, now, if the name is no metric's.
void check_metric_name(const std::string& name, const std::string& owner);
Config to_config(const MetricRef& metric);
MetricRef metric_from_config(const Config& config);

}  // namespace nyala
