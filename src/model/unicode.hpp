#pragma once

#include <cstdint>
#include <string>

namespace nyala::detail {

/// The code point of UTF-8 text at `at`, which moves on. A byte that is no part of a valid sequence is read as Python's
/// surrogateescape does: 0xdc00 + byte; so any string survives JSON.
std::uint32_t next_code_point(const std::string& text, std::size_t& at);
/// The inverse. Other lone surrogates become U+FFFD.
void append_code_point(std::uint32_t code, std::string& text);

}  // namespace nyala::detail
