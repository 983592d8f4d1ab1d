#pragma once

#include <string>

#include <nyala/error.hpp>
#include <nyala/optimizer.hpp>

namespace nyala {

/// Throws Error unless 0 <= rate < 1.
inline void require_decay_rate(double rate, const char* owner, const char* option) {
  if (!(rate >= 0.0 && rate < 1.0))
    throw Error(std::string(owner) + ": " + option + " must be at least 0 and below 1, got " + Config(rate).json());
}

/// Throws Error for a negative value or NaN.
inline void require_not_negative(double value, const char* owner, const char* option) {
  if (!(value >= 0.0))
    throw Error(std::string(owner) + ": " + option + " must not be negative, got " + Config(value).json());
}

}  // namespace nyala
