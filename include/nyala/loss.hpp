#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

struct LossOptions {
  /// "sum_over_batch_size", "sum", "mean", "mean_with_sample_weight" or "none"; std::nullopt (Keras' None) is "none".
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};

/// What training lowers. https://keras.io/api/losses/
class Loss {
 public:
  virtual ~Loss() = default;
  /// One loss per sample (and step, pixel, …): the reduction is not applied yet.
  virtual Tensor call(const Tensor& y_true, const Tensor& y_pred) = 0;
  virtual std::string class_name() const { return {}; }
  /// {name, reduction, …}
  virtual Config config() const;

  /// The reduced loss: a scalar, but for reduction "none". y_true is cast to y_pred's dtype where it is floating; a
  /// trailing axis of size 1 in one of them is dropped; y_pred's mask leaves steps out. Throws Error naming both shapes
  /// if they do not fit. sample_weight: one per loss, or per sample, or what broadcasts with the losses.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {});

  const std::string& name() const { return name_; }
  std::string reduction() const { return reduction_.value_or("none"); }

 protected:
  /// Throws Error for an unknown reduction.
  explicit Loss(std::string name = "loss", std::optional<std::string> reduction = "sum_over_batch_size");
  Loss(const char* default_name, LossOptions options);

  std::string name_;
  std::optional<std::string> reduction_;
};

/// Keras' reduce_weighted_values. mask: like values, or null.
Tensor reduce_weighted(const Tensor& values, const Tensor& sample_weight, const Tensor& mask,
                       const std::string& reduction);

std::shared_ptr<Loss> resolve(const LossRef& ref, const std::string& owner);
/// A keras_object; for a loss made from a name: that name.
Config to_config(const LossRef& loss);
LossRef loss_from_config(const Config& config);

}  // namespace nyala
