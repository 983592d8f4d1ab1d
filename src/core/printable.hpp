#pragma once

#include <string>

namespace nyala::detail {

/// The text (UTF-8) with control characters, all but line ends and tabs, as "\x1b" or "\u009b".
std::string printable(const std::string& text);

}  // namespace nyala::detail
