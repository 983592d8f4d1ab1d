#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include "core/half.hpp"

namespace nyala::backend {

/// One element as another dtype. Integers wrap around, as in NumPy; what a floating number has beyond an integer type
/// becomes its nearest value and NaN becomes 0, as in XLA.
template <class To, class From>
constexpr To convert(From value) {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (!std::is_arithmetic_v<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (!std::is_arithmetic_v<To>) {
    if constexpr (std::same_as<From, float>)
      return static_cast<To>(value);
    else
      return static_cast<To>(static_cast<double>(value));
  } else if constexpr (std::same_as<To, bool>) {
    return value != From(0);
  } else if constexpr (std::floating_point<From> && std::integral<To>) {
    using Limits = std::numeric_limits<To>;
    if (value != value) return 0;
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    // The largest 32- and 64-bit integers round up to a power of two, which is already too large.
    if (value >= static_cast<From>(Limits::max())) return Limits::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace nyala::backend
