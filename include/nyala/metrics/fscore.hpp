#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nyala/metric.hpp>

namespace nyala::metrics {

struct FBetaScoreOptions {
  /// "micro", "macro", "weighted", or "" (Keras' None: one number per class).
  std::string average = {};
  /// Recall counts beta times as much as precision.
  double beta = 1.0;
  /// Predictions above it mean yes; without it the largest entry of each row does.
  std::optional<double> threshold = {};
  std::string name = {};
};
/// The weighted harmonic mean of precision and recall, for predictions (batch, classes).
/// https://keras.io/api/metrics/classification_metrics/#fbetascore-class
class FBetaScore : public Metric {
 public:
  explicit FBetaScore(FBetaScoreOptions options = {});
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  Tensor result() override;
  void reset_state() override;
  SavedState state() const override;
  void restore(const SavedState& state) override;
  std::string class_name() const override { return "FBetaScore"; }
  std::string direction() const override { return "max"; }
  Config config() const override;
  static FBetaScore from_config(const Config& config);

 protected:
  FBetaScore(FBetaScoreOptions options, const char* default_name);

  struct State;
  FBetaScoreOptions own_;
  std::shared_ptr<State> state_;
};

struct F1ScoreOptions {
  std::string average = {};
  std::optional<double> threshold = {};
  std::string name = {};
};
/// FBetaScore with beta 1.
class F1Score : public FBetaScore {
 public:
  explicit F1Score(F1ScoreOptions options = {});
  std::string class_name() const override { return "F1Score"; }
  Config config() const override;
  static F1Score from_config(const Config& config);
};

}  // namespace nyala::metrics

namespace nyala {
using metrics::F1Score;
using metrics::FBetaScore;
}  // namespace nyala
