#pragma once

#include <optional>
#include <string>

#include <nyala/callbacks/frequency.hpp>
#include <nyala/callbacks/monitor.hpp>

namespace nyala {

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;
  std::string mode = "auto";
  Frequency save_freq = "epoch";
  std::optional<double> initial_value_threshold = {};
};

/// Saves the model, or its weights, during training. The path may hold fields in Python's format syntax, filled with
/// epoch and batch (from 1) and the logs: "{epoch:02d}-{val_loss:.3f}.weights.h5". Missing folders are made.
/// https://keras.io/api/callbacks/model_checkpoint/
class ModelCheckpoint : public MonitorCallback {
 public:
  /// Throws Error for a bad field, and for a path that does not end in ".keras" or ".h5", or with save_weights_only in
  /// ".weights.h5".
  explicit ModelCheckpoint(std::string filepath, ModelCheckpointOptions options = {});
  void on_train_begin(const Logs& logs) override;
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

  std::optional<double> best() const { return best_; }

 private:
  bool should_save(const Logs& logs, const std::string& path);
  void save(std::optional<int> batch, const Logs& logs);

  std::string filepath_;
  ModelCheckpointOptions options_;
  std::optional<double> best_;
  int epoch_ = 0, batches_since_ = 0;
};

}  // namespace nyala
