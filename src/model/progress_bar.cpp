#include "model/progress_bar.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <ostream>
#include <vector>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

constexpr double draw_interval = 0.05;
constexpr int cells = 20;

[[gnu::format(printf, 1, 2)]] std::string formatted(const char* format, ...) {
  char text[64];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

std::string value_text(double value) {
  if (std::isnan(value)) return "nan";
  return std::abs(value) > 1e-3 ? formatted("%.4f", value) : formatted("%.4e", value);
}

std::string per_step(double seconds) {
  if (seconds >= 1.0 || seconds == 0.0) return formatted("%.0fs/step", seconds);
  if (seconds >= 1e-3) return formatted("%.0fms/step", seconds * 1e3);
  return formatted("%.0fus/step", seconds * 1e6);
}

std::string time_left(double seconds) {
  const auto whole = static_cast<long long>(seconds);
  if (seconds > 3600.0) return formatted("%lld:%02lld:%02lld", whole / 3600, whole % 3600 / 60, whole % 60);
  if (seconds > 60.0) return formatted("%lld:%02lld", whole / 60, whole % 60);
  return formatted("%llds", whole);
}

/// " - loss: 0.3000 - val_loss: 0.2800": what training measures, then validation, then the learning rate, which
/// callbacks add.
std::string metrics_text(const Logs& logs) {
  std::string parts[3];
  for (const auto& [name, value] : logs) {
    const int place = name == "learning_rate" ? 2 : name.starts_with("val_") ? 1 : 0;
    parts[place] += " - " + name + ": " + value_text(value);
  }
  return parts[0] + parts[1] + parts[2];
}

std::string repeated(const char* cell, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += cell;
  return text;
}

std::string counted(std::int64_t done, std::int64_t total) {
  const int digits = static_cast<int>(std::to_string(total).size());
  return formatted("%*lld/%lld", digits, static_cast<long long>(done), static_cast<long long>(total));
}

}  // namespace

ProgressBar::ProgressBar(std::optional<int> verbose, std::optional<std::int64_t> steps, const char* where,
                         Console console)
    : console_(std::move(console)), verbose_(verbose.value_or(console_.terminal ? 1 : 2)), steps_(steps) {
  if (verbose_ < 0 || verbose_ > 2) {
    throw Error(std::string(where) + ": verbose must be 0, 1 or 2, got " + std::to_string(verbose_));
  }
}

ProgressBar::~ProgressBar() {
  if (!open_) return;
  try {
    *console_.out << std::endl;
  } catch (...) {  // a stream told to throw; there is nobody left to tell
  }
}

double ProgressBar::now() const {
  if (console_.seconds) return console_.seconds();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void ProgressBar::begin_epoch(int epoch, int epochs, std::int64_t done_before) {
  if (verbose_ > 0 && epochs > 1) {
    *console_.out << "Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(epochs) << std::endl;
  }
  begin();
  before_ = done_before;
}

void ProgressBar::begin() {
  start_ = next_draw_ = now();
  after_first_.reset();
  decided_.reset();
  width_ = 0;
  before_ = 0;
}

bool ProgressBar::due() {
  decided_ = verbose_ == 1 && console_.terminal && now() >= next_draw_;
  return *decided_;
}

void ProgressBar::update(std::int64_t done, const Logs& logs) {
  if (verbose_ == 0) return;
  if (done - before_ == 1) after_first_ = now();
  if (verbose_ == 2 || !console_.terminal) return;
  const bool drawn = decided_ ? *decided_ : due();
  decided_.reset();
  if (!drawn) return;
  const double time = now();
  draw(done, logs, time, false);
  next_draw_ = time + draw_interval;
}

void ProgressBar::finish(std::int64_t done, const Logs& logs) {
  if (!steps_) steps_ = done;
  if (verbose_ > 0) draw(done, logs, now(), true);
}

/// The first step, which makes weights and buffers, does not count once there are others.
double ProgressBar::seconds_per_step(std::int64_t done, double time) const {
  done -= before_;
  if (done < 1) return 0.0;
  if (after_first_ && done > 1) return (time - *after_first_) / static_cast<double>(done - 1);
  return (time - start_) / static_cast<double>(done);
}

std::string ProgressBar::bold(const std::string& text) const {
  return console_.color ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string ProgressBar::bar(std::int64_t done) const {
  const auto filled =
      static_cast<int>(std::clamp<std::int64_t>(done * cells / std::max<std::int64_t>(1, *steps_), 0, cells));
  if (console_.utf8 && console_.color) {
    std::string text;
    if (filled > 0) text += "\x1b[32m" + repeated("━", filled) + "\x1b[0m";
    return text + "\x1b[37m" + repeated("━", cells - filled) + "\x1b[0m";
  }
  // Without colours both parts must differ in their shape.
  if (console_.utf8) return repeated("━", filled) + repeated("─", cells - filled);
  return repeated("=", filled) + repeated(".", cells - filled);
}

void ProgressBar::draw(std::int64_t done, const Logs& logs, double time, bool last) {
  const std::string elapsed = formatted("%.0fs", time - start_);
  const double step = seconds_per_step(done, time);
  const std::string metrics = metrics_text(logs);
  if (verbose_ == 2 || !console_.terminal) {
    *console_.out << counted(done, *steps_) + " - " + elapsed + " - " + per_step(step) + metrics + "\n" << std::flush;
    return;
  }
  std::string line;
  std::size_t width = 0;
  if (steps_) {
    const std::string count = counted(done, *steps_);
    line = bold(count) + " " + bar(done);
    width = count.size() + 1 + cells;
  } else {
    line = formatted("%7lld/Unknown", static_cast<long long>(done));
    width = line.size();
  }
  const bool estimate = steps_ && !last;
  const std::string when = estimate ? time_left(step * static_cast<double>(*steps_ - done)) : elapsed;
  line += " " + bold(when);
  std::string rest = " " + per_step(step) + metrics;
  width += 1 + when.size();
  // A line that wraps could not be drawn over.
  const auto columns = static_cast<std::size_t>(std::max(console_.columns, 1));
  if (!last) rest = clipped(rest, columns > width + 1 ? columns - width - 1 : 0);
  line += rest;
  width += display_width(rest);
  if (width < width_) line.append(width_ - width, ' ');
  width_ = width;
  open_ = !last;
  *console_.out << "\r" + line + (last ? "\n" : "") << std::flush;
}

}  // namespace nyala::detail
