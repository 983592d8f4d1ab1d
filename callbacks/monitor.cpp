#include <nyala/callbacks/monitor.hpp>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "support.hpp"

namespace nyala {

MonitorCallback::MonitorCallback(std::string name, std::string monitor, std::string mode, double min_delta)
    : name_(std::move(name)), monitor_(std::move(monitor)), mode_(std::move(mode)), min_delta_(min_delta) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max") {
    throw Error(name_ + ": mode must be \"auto\", \"min\" or \"max\", got \"" + mode_ + "\"");
  }
  if (!(min_delta >= 0.0)) {
    throw Error(name_ + ": min_delta must not be negative, got " + detail::python_number(min_delta));
  }
  if (monitor_.empty()) throw Error(name_ + ": monitor must name an entry of the logs, got \"\"");
}

void MonitorCallback::reset_monitor() {
  direction_.clear();
  warned_ = false;
}

void MonitorCallback::find_direction() {
  if (!direction_.empty()) return;
  direction_ = mode_ == "auto" ? model().metric_direction(monitor_) : mode_;
  if (!direction_.empty()) return;
  throw Error(name_ + ": whether \"" + monitor_ +
              "\" gets better by rising or by falling is not known; give mode = \"max\" or mode = \"min\"");
}

bool MonitorCallback::is_improvement(double value, std::optional<double> reference) {
  find_direction();
  if (!reference) return true;
  return direction_ == "min" ? value + min_delta_ < *reference : value - min_delta_ > *reference;
}

std::optional<double> MonitorCallback::monitored(const Logs& logs, const std::string& purpose) {
  const auto found = logs.find(monitor_);
  if (found != logs.end()) return found->second;
  if (!warned_) {
    std::string names;
    for (const auto& [key, value] : logs) names += (names.empty() ? "" : ", ") + key;
    detail::warn(name_ + ": " + purpose + " \"" + monitor_ +
                 "\", which is not available; there are: " + (names.empty() ? "none" : names));
    warned_ = true;
  }
  return std::nullopt;
}

}  // namespace nyala
