#pragma once

#include <string>
#include <vector>

namespace nyala::detail {

enum class Align : unsigned char { left, right, center };

struct TextColumn {
  std::string title;
  std::size_t width;  // of the text, before the table is made to fit
  Align align = Align::left;
};

/// A table with lines between its rows, at most `width` columns wide, laid out as Keras' summary is: too wide columns
/// shrink evenly, cells wrap between words, and a longer word ends in an ellipsis. UTF-8 boxes or ASCII.
std::string text_table(const std::vector<TextColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                       std::size_t width, bool utf8);

}  // namespace nyala::detail
