#pragma once

#include <cstddef>
#include <string>

namespace nyala::detail {

/// A number of bytes for people: "1.50 GiB (1610612736 bytes)", "17 bytes".
std::string byte_text(std::size_t bytes);

}  // namespace nyala::detail
