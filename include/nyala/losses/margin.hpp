#pragma once

#include <optional>
#include <string>

#include <nyala/loss.hpp>

namespace nyala::losses {

// Maximum margin and distances of distributions. https://keras.io/api/losses/hinge_losses/
/// Labels 0 and 1 count as -1 and 1.
Tensor hinge(const Tensor& y_true, const Tensor& y_pred);
Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred);
/// y_true one-hot.
Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred);
Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred);
Tensor poisson(const Tensor& y_true, const Tensor& y_pred);

/// mean(max(1 - y_true y_pred, 0)); labels are -1 and 1, or 0 and 1.
class Hinge : public Loss {
 public:
  explicit Hinge(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Hinge"; }
  static Hinge from_config(const Config& config);
};

/// mean(max(1 - y_true y_pred, 0)^2)
class SquaredHinge : public Loss {
 public:
  explicit SquaredHinge(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "SquaredHinge"; }
  static SquaredHinge from_config(const Config& config);
};

/// max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0)
class CategoricalHinge : public Loss {
 public:
  explicit CategoricalHinge(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CategoricalHinge"; }
  static CategoricalHinge from_config(const Config& config);
};

/// sum(y_true log(y_true / y_pred)): the Kullback-Leibler divergence of distributions.
class KLDivergence : public Loss {
 public:
  explicit KLDivergence(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "KLDivergence"; }
  static KLDivergence from_config(const Config& config);
};

/// mean(y_pred - y_true log(y_pred))
class Poisson : public Loss {
 public:
  explicit Poisson(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Poisson"; }
  static Poisson from_config(const Config& config);
};

}  // namespace nyala::losses

namespace nyala {
using losses::categorical_hinge;
using losses::CategoricalHinge;
using losses::Hinge;
using losses::hinge;
using losses::kl_divergence;
using losses::KLDivergence;
using losses::Poisson;
using losses::poisson;
using losses::squared_hinge;
using losses::SquaredHinge;
}  // namespace nyala
