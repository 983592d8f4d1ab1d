#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nyala/model.hpp>
#include <nyala/training_run.hpp>

#include "model/batches.hpp"
#include "model/callback_list.hpp"

namespace nyala::detail {

/// Where a fit stands, and how that is put into a file and found again.
class FitRun final : public TrainingRun {
 public:
  /// validation may be null. All of them outlive the run.
  FitRun(Model& model, Batches& train, Batches* validation, CallbackList& callbacks)
      : model_(model), train_(train), validation_(validation), callbacks_(callbacks) {}

  int epoch = 0;          // from 0
  std::int64_t done = 0;  // batches of this epoch
  bool within = false;    // whether the epoch has begun
  bool started = false;   // whether the training data has
  Logs logs;              // of the epoch that ended last
  History history;

  void afterwards(std::function<void()> action) override { actions_.push_back(std::move(action)); }
  void save(const std::string& path) const override;
  Place resume(const std::string& path) override;

  /// Adds the epoch to the history and runs what was put off, with the next epoch's beginning as the place.
  void end_epoch(const Logs& epoch_logs);

  bool resumed() const { return pending_.has_value(); }
  /// Takes over what resume() has read. The callbacks have had on_train_begin.
  void go_on();
  /// Runs what was put off by afterwards(). Only where save() makes sense.
  void settle();

 private:
  Model& model_;
  Batches& train_;
  Batches* validation_;
  CallbackList& callbacks_;
  std::vector<std::function<void()>> actions_;
  bool settling_ = false;
  std::optional<SavedState> pending_;
};

}  // namespace nyala::detail
