#pragma once

#include <concepts>
#include <functional>

#include <nyala/callback.hpp>

namespace nyala {

struct LearningRateSchedulerOptions {
  int verbose = 0;
};

/// Sets the learning rate at the beginning of each epoch, counted from 0; logs learning_rate at its end. With a
/// MultiOptimizer each of its optimizers is asked and set for itself; logs have learning_rate_adam and so on.
/// https://keras.io/api/callbacks/learning_rate_scheduler/
class LearningRateScheduler : public Callback {
 public:
  /// schedule(epoch, learning_rate) or schedule(epoch), which return the new rate.
  template <class F>
    requires std::regular_invocable<F&, int, double> || std::regular_invocable<F&, int>
  LearningRateScheduler(F schedule, LearningRateSchedulerOptions options = {}) : options_(options) {
    if constexpr (std::regular_invocable<F&, int, double>)
      schedule_ = std::move(schedule);
    else
      schedule_ = [schedule](int epoch, double) mutable { return static_cast<double>(schedule(epoch)); };
  }

  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;

 private:
  std::function<double(int, double)> schedule_;
  LearningRateSchedulerOptions options_;
};

}  // namespace nyala
