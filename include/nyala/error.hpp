#pragma once

#include <stdexcept>
#include <string>

namespace nyala {

/// What every mistake of a user ends in. The message names the operation, layer or file, the rule, and what was
/// received instead. Control characters, which names out of files may hold, stand there as "\x1b": a message never
/// steers a terminal.
struct Error : std::runtime_error {
  explicit Error(const std::string& message);
};

}  // namespace nyala
