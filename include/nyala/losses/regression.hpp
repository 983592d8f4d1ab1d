#pragma once

#include <optional>
#include <string>

#include <nyala/loss.hpp>

namespace nyala::losses {

// Regression. https://keras.io/api/losses/regression_losses/ The functions give one loss per entry of all axes but the
// last.
Tensor mean_squared_error(const Tensor& y_true, const Tensor& y_pred);
Tensor mean_absolute_error(const Tensor& y_true, const Tensor& y_pred);
Tensor mean_absolute_percentage_error(const Tensor& y_true, const Tensor& y_pred);
Tensor mean_squared_logarithmic_error(const Tensor& y_true, const Tensor& y_pred);
Tensor log_cosh(const Tensor& y_true, const Tensor& y_pred);
Tensor huber(const Tensor& y_true, const Tensor& y_pred, double delta = 1.0);
/// Minus the cosine of the angle between the vectors along `axis`: -1 where they point the same way.
Tensor cosine_similarity(const Tensor& y_true, const Tensor& y_pred, int axis = -1);

/// mean((y_true - y_pred)^2)
class MeanSquaredError : public Loss {
 public:
  explicit MeanSquaredError(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "MeanSquaredError"; }
  static MeanSquaredError from_config(const Config& config);
};

/// mean(|y_true - y_pred|)
class MeanAbsoluteError : public Loss {
 public:
  explicit MeanAbsoluteError(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "MeanAbsoluteError"; }
  static MeanAbsoluteError from_config(const Config& config);
};

/// 100 mean(|y_true - y_pred| / |y_true|)
class MeanAbsolutePercentageError : public Loss {
 public:
  explicit MeanAbsolutePercentageError(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "MeanAbsolutePercentageError"; }
  static MeanAbsolutePercentageError from_config(const Config& config);
};

/// mean((log(1 + y_true) - log(1 + y_pred))^2)
class MeanSquaredLogarithmicError : public Loss {
 public:
  explicit MeanSquaredLogarithmicError(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "MeanSquaredLogarithmicError"; }
  static MeanSquaredLogarithmicError from_config(const Config& config);
};

/// mean(log(cosh(y_pred - y_true)))
class LogCosh : public Loss {
 public:
  explicit LogCosh(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "LogCosh"; }
  static LogCosh from_config(const Config& config);
};

struct HuberOptions {
  double delta = 1.0;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Squared up to delta, linear beyond (Huber 1964).
class Huber : public Loss {
 public:
  explicit Huber(HuberOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Huber"; }
  Config config() const override;
  static Huber from_config(const Config& config);

 private:
  HuberOptions own_;
};

struct CosineSimilarityOptions {
  int axis = -1;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Minus the cosine of the angle between the vectors along `axis`.
class CosineSimilarity : public Loss {
 public:
  explicit CosineSimilarity(CosineSimilarityOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CosineSimilarity"; }
  Config config() const override;
  static CosineSimilarity from_config(const Config& config);

 private:
  CosineSimilarityOptions own_;
};

}  // namespace nyala::losses

namespace nyala {
using losses::cosine_similarity;
using losses::CosineSimilarity;
using losses::Huber;
using losses::huber;
using losses::log_cosh;
using losses::LogCosh;
using losses::mean_absolute_error;
using losses::mean_absolute_percentage_error;
using losses::mean_squared_error;
using losses::mean_squared_logarithmic_error;
using losses::MeanAbsoluteError;
using losses::MeanAbsolutePercentageError;
using losses::MeanSquaredError;
using losses::MeanSquaredLogarithmicError;
}  // namespace nyala
