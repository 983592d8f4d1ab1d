#include "model/text_table.hpp"

#include <algorithm>
#include <cmath>

#include "model/console.hpp"

namespace nyala::detail {
namespace {

using Cells = std::vector<std::vector<std::string>>;  // of one row: the lines of each column

/// The glyphs of one horizontal line.
struct Rule {
  const char *left, *fill, *between, *right;
};

struct Style {
  Rule top, below_head, between, bottom;
  const char *head_bar, *bar, *ellipsis;
};

constexpr Style boxes{
    {"┏", "━", "┳", "┓"}, {"┡", "━", "╇", "┩"}, {"├", "─", "┼", "┤"}, {"└", "─", "┴", "┘"}, "┃", "│", "…"};
constexpr Style ascii{
    {"+", "-", "+", "+"}, {"+", "=", "+", "+"}, {"+", "-", "+", "+"}, {"+", "-", "+", "+"}, "|", "|", "..."};

constexpr std::size_t padding = 2;  // a space on either side of a cell

/// Takes away from all columns alike what they are too wide together.
std::vector<std::size_t> fitted(const std::vector<TextColumn>& columns, std::size_t width) {
  std::vector<std::size_t> widths;
  std::size_t total = columns.size() + 1;
  for (const TextColumn& column : columns) {
    widths.push_back(column.width + padding);
    total += widths.back();
  }
  std::size_t excess = total > width ? total - width : 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    // Halves go to the even neighbour, as Python rounds.
    const auto share =
        static_cast<std::size_t>(std::nearbyint(static_cast<double>(excess) / static_cast<double>(widths.size() - i)));
    const std::size_t taken = std::min(widths[i], share);
    widths[i] -= taken;
    excess -= taken;
  }
  for (std::size_t& column : widths) column = column > padding ? column - padding : 1;
  return widths;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find_first_not_of(' ', begin);
    end = end == std::string::npos ? text.size() : text.find(' ', end);
    end = end == std::string::npos ? text.size() : text.find_first_not_of(' ', end);
    if (end == std::string::npos) end = text.size();
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::string without_trailing_spaces(const std::string& text) {
  const std::size_t last = text.find_last_not_of(' ');
  return last == std::string::npos ? std::string() : text.substr(0, last + 1);
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width, const char* ellipsis) {
  std::vector<std::string> lines(1);
  for (const std::string& word : words_of(text)) {
    const bool fits = display_width(lines.back() + without_trailing_spaces(word)) <= width;
    if (!fits && !lines.back().empty()) lines.emplace_back();
    lines.back() += word;
  }
  for (std::string& line : lines) {
    line = without_trailing_spaces(line);
    const std::size_t mark = display_width(ellipsis);
    if (display_width(line) > width) line = clipped(line, width > mark ? width - mark : 0) + ellipsis;
  }
  return lines;
}

std::string aligned(const std::string& text, std::size_t width, Align align) {
  const std::size_t used = display_width(text);
  const std::size_t gap = width > used ? width - used : 0;
  const std::size_t before = align == Align::left ? 0 : align == Align::right ? gap : gap / 2;
  return std::string(before, ' ') + text + std::string(gap - before, ' ');
}

std::string ruled(const Rule& rule, const std::vector<std::size_t>& widths) {
  std::string line = rule.left;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    for (std::size_t cell = 0; cell < widths[i] + padding; ++cell) line += rule.fill;
    line += i + 1 < widths.size() ? rule.between : rule.right;
  }
  return line + "\n";
}

std::string row_text(const std::vector<TextColumn>& columns, const std::vector<std::size_t>& widths, const Cells& cells,
                     const char* bar) {
  std::size_t height = 1;
  for (const auto& cell : cells) height = std::max(height, cell.size());
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    text += bar;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string part = line < cells[i].size() ? cells[i][line] : "";
      text += " " + aligned(part, widths[i], columns[i].align) + " " + bar;
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string text_table(const std::vector<TextColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                       std::size_t width, bool utf8) {
  const Style& style = utf8 ? boxes : ascii;
  const std::vector<std::size_t> widths = fitted(columns, width);
  Cells head;
  for (std::size_t i = 0; i < columns.size(); ++i) head.push_back(wrapped(columns[i].title, widths[i], style.ellipsis));
  std::string text = ruled(style.top, widths) + row_text(columns, widths, head, style.head_bar);
  text += ruled(style.below_head, widths);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (r > 0) text += ruled(style.between, widths);
    Cells cells;
    for (std::size_t i = 0; i < columns.size(); ++i) cells.push_back(wrapped(rows[r][i], widths[i], style.ellipsis));
    text += row_text(columns, widths, cells, style.bar);
  }
  return text + ruled(style.bottom, widths);
}

}  // namespace nyala::detail
