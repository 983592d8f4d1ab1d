#include "core/printable.hpp"

#include <cstdio>

#include <nyala/error.hpp>

namespace nyala {

Error::Error(const std::string& message) : std::runtime_error(detail::printable(message)) {}

namespace detail {

std::string printable(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  const auto add = [&](const char* form, unsigned code) {
    char written[8];
    std::snprintf(written, sizeof written, form, code);
    out += written;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
      add("\\x%02x", byte);
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F
      add("\\u%04x", next);
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace detail
}  // namespace nyala
