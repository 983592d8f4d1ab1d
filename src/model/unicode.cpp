#include "model/unicode.hpp"

namespace nyala::detail {

std::uint32_t next_code_point(const std::string& text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t first = byte(at++);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xf0 && first < 0xf5 ? 3 : first >= 0xe0 ? 2 : 1;
  const bool valid_start = first >= 0xc2 && first < 0xf5;
  if (!valid_start || at + more > text.size()) return 0xdc00 + first;
  std::uint32_t code = first & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0xdc00 + first;
    code = (code << 6) | (byte(at + i) & 0x3f);
  }
  const bool overlong = (more == 2 && code < 0x800) || (more == 3 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (overlong || surrogate || code > 0x10ffff) return 0xdc00 + first;
  at += more;
  return code;
}

void append_code_point(std::uint32_t code, std::string& text) {
  if (code >= 0xdc80 && code <= 0xdcff) {
    text += static_cast<char>(code - 0xdc00);
    return;
  }
  if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const std::uint32_t lead = more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0;
  text += static_cast<char>(lead | (code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3f));
}

}  // namespace nyala::detail
