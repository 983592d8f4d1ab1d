#pragma once

#include <optional>
#include <string>

#include <nyala/callbacks/monitor.hpp>

namespace nyala {

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0.0;
};

/// Multiplies the learning rate by `factor` when a metric has not improved for `patience` epochs; logs learning_rate.
/// With a MultiOptimizer the rates of all its optimizers; logs have learning_rate_adam and so on.
/// https://keras.io/api/callbacks/reduce_lr_on_plateau/
class ReduceLROnPlateau : public MonitorCallback {
 public:
  /// Throws Error unless 0 < factor < 1.
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});
  void on_train_begin(const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  bool reduce(int epoch);

  ReduceLROnPlateauOptions options_;
  std::optional<double> best_;
  int wait_ = 0, cooldown_left_ = 0;
};

}  // namespace nyala
