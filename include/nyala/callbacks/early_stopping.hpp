#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/callbacks/monitor.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0.0;
  int patience = 0;
  int verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};

/// Ends the training when a metric has not improved for `patience` epochs.
/// https://keras.io/api/callbacks/early_stopping/
class EarlyStopping : public MonitorCallback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  void on_train_begin(const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

  /// The epoch, from 0, after which the training was stopped; 0: it was not.
  int stopped_epoch() const { return stopped_epoch_; }
  std::optional<double> best() const { return best_; }
  int best_epoch() const { return best_epoch_; }

 private:
  void remember_weights(int epoch);

  EarlyStoppingOptions options_;
  int wait_ = 0, stopped_epoch_ = 0, best_epoch_ = 0;
  std::optional<double> best_;
  std::vector<Tensor> best_weights_;
};

}  // namespace nyala
