#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <nyala/callback.hpp>

namespace nyala::detail {

/// What fit, evaluate and predict print, as Keras prints it (../shared/keras/api-surface.md A13): on a terminal a bar
/// redrawn in place with time per step, time left and running metrics; elsewhere plain lines; NO_COLOR is honoured.
class ProgressBar {
 public:
  /// verbose: 0, 1 or 2; left out: 1 on a terminal, 2 otherwise. Throws Error for another value. steps: batches in a
  /// pass, if known.
  ProgressBar(std::optional<int> verbose, std::optional<std::int64_t> steps, const char* where);

  /// The level that was resolved: 0, 1 or 2.
  int verbose() const { return verbose_; }
  /// "Epoch 1/5", if there is more than one; starts the clock.
  void begin_epoch(int epoch, int epochs);
  /// Starts the clock of a pass without epochs.
  void begin();
  /// Whether update would draw now: logs need to be made only then.
  bool due() const;
  /// After `done` batches.
  void update(std::int64_t done, const Logs& logs);
  /// The final line.
  void finish(std::int64_t done, const Logs& logs);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::int64_t done, const Logs& logs, bool last);

  int verbose_;
  bool terminal_, color_;
  std::optional<std::int64_t> steps_;
  Clock::time_point start_, last_draw_, after_first_;
  std::size_t width_ = 0;
  std::int64_t done_ = 0;
};

}  // namespace nyala::detail
