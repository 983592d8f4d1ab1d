#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <nyala/callback.hpp>
#include <nyala/callbacks/frequency.hpp>

namespace nyala {

class SummaryWriter;

struct TensorBoardOptions {
  std::string log_dir = "logs";
  /// Every so many epochs the weights' histograms; 0: never.
  int histogram_freq = 0;
  bool write_graph = true;
  /// Weights as images too, with the histograms.
  bool write_images = false;
  bool write_steps_per_second = false;
  Frequency update_freq = "epoch";
};

/// Writes what TensorBoard shows, in log_dir/train and log_dir/validation: scalars epoch_* (and batch_*), histograms of
/// weights, the model's graph. https://keras.io/api/callbacks/tensorboard/
class TensorBoard : public Callback {
 public:
  explicit TensorBoard(TensorBoardOptions options = {});
  void on_train_begin(const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_batch_begin(int batch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  SummaryWriter& writer(bool validation);
  void write_weights(int epoch);

  using Clock = std::chrono::steady_clock;
  TensorBoardOptions options_;
  std::shared_ptr<SummaryWriter> train_, validation_;
  std::int64_t batch_ = 0, iterations_at_epoch_ = 0;
  Clock::time_point epoch_start_, batch_start_;
};

}  // namespace nyala
