#pragma once

#include <optional>
#include <string>

#include <nyala/loss.hpp>

namespace nyala::losses {

// Overlap of regions, and distances of embeddings. https://keras.io/api/losses/
/// 1 - 2 |A ∩ B| / (|A| + |B|), over the given axes (default: all of them, the batch too).
Tensor dice(const Tensor& y_true, const Tensor& y_pred, const Axes& axis = {});
/// alpha weighs what y_pred misses, beta what it adds (Salehi et al. 2017).
Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha = 0.5, double beta = 0.5,
               const Axes& axis = {});
/// y_true: class numbers (batch,); y_pred: L2-normalised embeddings (batch, dim). Sun et al. 2020.
Tensor circle(const Tensor& y_true, const Tensor& y_pred, bool remove_diagonal = true, double gamma = 80.0,
              double margin = 0.4);

struct DiceOptions {
  std::optional<std::string> reduction = "sum_over_batch_size";
  Axes axis = {};
  std::string name = {};
};
/// 1 - 2 |A ∩ B| / (|A| + |B|).
class Dice : public Loss {
 public:
  explicit Dice(DiceOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Dice"; }
  Config config() const override;
  static Dice from_config(const Config& config);

 private:
  DiceOptions own_;
};

struct TverskyOptions {
  double alpha = 0.5, beta = 0.5;
  std::optional<std::string> reduction = "sum_over_batch_size";
  Axes axis = {};
  std::string name = {};
};
/// Dice with a weight of its own for each kind of error (Salehi et al. 2017).
class Tversky : public Loss {
 public:
  explicit Tversky(TverskyOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Tversky"; }
  Config config() const override;
  static Tversky from_config(const Config& config);

 private:
  TverskyOptions own_;
};

struct CircleOptions {
  double gamma = 80.0, margin = 0.4;
  bool remove_diagonal = true;
  std::optional<std::string> reduction = "sum_over_batch_size";
  std::string name = {};
};
/// Pulls embeddings of one class together (Sun et al. 2020); y_true class numbers.
class Circle : public Loss {
 public:
  explicit Circle(CircleOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "Circle"; }
  Config config() const override;
  static Circle from_config(const Config& config);

 private:
  CircleOptions own_;
};

}  // namespace nyala::losses

namespace nyala {
using losses::Circle;
using losses::circle;
using losses::Dice;
using losses::dice;
using losses::Tversky;
using losses::tversky;
}  // namespace nyala
