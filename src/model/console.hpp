#pragma once

#include <functional>
#include <iosfwd>
#include <string>

namespace nyala::detail {

/// What standard output can show.
struct Console {
  std::ostream* out;
  bool terminal = false;  // whether a line can be drawn over
  bool color = false;
  bool utf8 = false;
  int columns = 80;
  /// Seconds on a clock that never goes back; empty: the system's.
  std::function<double()> seconds = {};
};

/// Standard output as it is now. Colours need a terminal, a TERM other than "dumb" and no NO_COLOR (no-color.org).
Console standard_console();

/// Whether the first of LC_ALL, LC_CTYPE and LANG that is set names UTF-8.
bool utf8_locale();

/// The terminal's width: COLUMNS if it is set, else what the terminal says, else 80. Error never.
int terminal_columns();

/// Columns that UTF-8 text takes, one per code point.
std::size_t display_width(const std::string& text);

/// The first `columns` code points.
std::string clipped(const std::string& text, std::size_t columns);

}  // namespace nyala::detail
