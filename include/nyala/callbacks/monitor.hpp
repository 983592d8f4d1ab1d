#pragma once

#include <optional>
#include <string>

#include <nyala/callback.hpp>

namespace nyala {

/// Watches one entry of the logs: what EarlyStopping, ReduceLROnPlateau and ModelCheckpoint have in common.
class MonitorCallback : public Callback {
 protected:
  /// mode: "min", "max" or "auto": the metric itself knows. min_delta: less than that is no improvement. Throws Error
  /// for another mode and for a min_delta that is negative or NaN. `name` is how messages name the callback.
  MonitorCallback(std::string name, std::string monitor, std::string mode, double min_delta = 0.0);

  /// Whether `value` is better than `reference`; anything is better than nothing. Throws Error if mode is "auto" and
  /// the metric's direction is unknown.
  bool is_improvement(double value, std::optional<double> reference);
  /// The monitored value, if the logs have it; if not, a warning (`purpose` says what needs it), once in a run.
  std::optional<double> monitored(const Logs& logs, const std::string& purpose);
  void find_direction();
  /// Forgets what a run has found out.
  void reset_monitor();

  const std::string& monitor() const { return monitor_; }

 private:
  std::string name_, monitor_, mode_;
  double min_delta_;
  std::string direction_;
  bool warned_ = false;
};

}  // namespace nyala
