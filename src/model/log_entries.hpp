#pragma once

#include <cstddef>
#include <string>

namespace nyala::detail {

/// How logs call one number of a metric that gives several: "f1_score[2]".
inline std::string entry_of(const std::string& metric, std::size_t index) {
  return metric + "[" + std::to_string(index) + "]";
}

/// The metric of such an entry; any other name is its own.
inline std::string metric_of(const std::string& entry) {
  const std::size_t bracket = entry.rfind('[');
  return entry.ends_with(']') && bracket != std::string::npos ? entry.substr(0, bracket) : entry;
}

}  // namespace nyala::detail
