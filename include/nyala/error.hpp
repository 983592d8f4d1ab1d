#pragma once

#include <stdexcept>

namespace nyala {

/// What every mistake of a user ends in. The message names the operation, layer or file, the rule, and what was
/// received instead.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace nyala
