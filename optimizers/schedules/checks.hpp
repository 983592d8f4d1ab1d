#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include <nyala/error.hpp>
#include <nyala/schedules.hpp>

#include "../checks.hpp"

namespace nyala {

inline void require_rate(double rate, const char* owner) {
  if (!(rate >= 0.0) || std::isinf(rate))
    throw Error(std::string(owner) + ": a learning rate must not be negative, got " + Config(rate).json());
}

inline void require_steps(std::int64_t steps, const char* owner, const char* option) {
  if (steps <= 0) throw Error(std::string(owner) + ": " + option + " must be positive, got " + std::to_string(steps));
}

/// Numbers of steps in Python's files may be written as 1000.0.
inline std::int64_t steps_from(const Config& config, const char* key) {
  return static_cast<std::int64_t>(config.at(key).as_double());
}

}  // namespace nyala
