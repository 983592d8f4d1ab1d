#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nyala/callback.hpp>

#include "model/console.hpp"

namespace nyala::detail {

/// What fit, evaluate and predict print, as Keras prints it: on a terminal a bar redrawn in place with time per step,
/// time left and running metrics; elsewhere one plain line per pass; NO_COLOR is honoured.
class ProgressBar {
 public:
  /// verbose: 0, 1 or 2; left out: 1 on a terminal, 2 otherwise. Throws Error for another value. steps: batches in a
  /// pass, if known.
  ProgressBar(std::optional<int> verbose, std::optional<std::int64_t> steps, const char* where,
              Console console = standard_console());
  /// Ends the line that an exception left unfinished.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// The level that was resolved: 0, 1 or 2.
  int verbose() const { return verbose_; }
  /// "Epoch 1/5", if there is more than one; starts the clock.
  /// `done_before`: batches of the epoch that another process has done.
  void begin_epoch(int epoch, int epochs, std::int64_t done_before = 0);
  /// Starts the clock of a pass without epochs.
  void begin();
  /// Whether the next update will draw: logs need to be made only then.
  bool due();
  /// After `done` batches.
  void update(std::int64_t done, const Logs& logs);
  /// The final line.
  void finish(std::int64_t done, const Logs& logs);

 private:
  double now() const;
  double seconds_per_step(std::int64_t done, double time) const;
  std::string bar(std::int64_t done) const;
  std::string bold(const std::string& text) const;
  void draw(std::int64_t done, const Logs& logs, double time, bool last);

  Console console_;
  int verbose_;
  std::optional<std::int64_t> steps_;
  double start_ = 0.0, next_draw_ = 0.0;
  std::int64_t before_ = 0;  // batches that are not of this process
  std::optional<double> after_first_;
  std::optional<bool> decided_;  // what due() said about the update that follows
  std::size_t width_ = 0;        // of the line on the terminal
  bool open_ = false;            // whether that line still waits for its end
};

}  // namespace nyala::detail
