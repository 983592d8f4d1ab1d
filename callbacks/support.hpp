#pragma once

#include <string>

namespace nyala::detail {

/// A number as Python prints a float: the shortest text that reads back the same, "0.001", "1e-05", "3.0", "nan".
std::string python_number(double value);

/// A line on standard output, flushed.
void say(const std::string& line);
/// A line "warning: …" on standard error.
void warn(const std::string& line);

}  // namespace nyala::detail
