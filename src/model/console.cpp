#include "model/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

#include "model/unicode.hpp"

namespace nyala::detail {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = variable(name);
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

int terminal_columns() {
  const int given = std::atoi(variable("COLUMNS").c_str());
  if (given > 0) return given;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

Console standard_console() {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  return {.out = &std::cout,
          .terminal = terminal,
          .color = terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb",
          .utf8 = utf8_locale(),
          .columns = terminal_columns()};
}

std::size_t display_width(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size(); ++width) next_code_point(text, at);
  return width;
}

std::string clipped(const std::string& text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < columns && at < text.size(); ++i) next_code_point(text, at);
  return text.substr(0, at);
}

}  // namespace nyala::detail
