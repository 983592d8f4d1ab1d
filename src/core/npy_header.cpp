#include "core/npy_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include <nyala/error.hpp>

namespace nyala::detail {
namespace {

struct Code {
  const char* text;  // without byte order
  DType dtype;
};

constexpr std::array codes{Code{"b1", DType::boolean}, Code{"u1", DType::uint8},   Code{"u2", DType::uint16},
                           Code{"u4", DType::uint32},  Code{"u8", DType::uint64},  Code{"i1", DType::int8},
                           Code{"i2", DType::int16},   Code{"i4", DType::int32},   Code{"i8", DType::int64},
                           Code{"f2", DType::float16}, Code{"f4", DType::float32}, Code{"f8", DType::float64},
                           Code{"V2", DType::bfloat16}};

class Parser {
 public:
  Parser(std::string_view text, const std::string& where, std::size_t place)
      : text_(text), where_(where), place_(place) {}

  NpyHeader parse() {
    NpyHeader header;
    std::array<bool, 3> seen{};
    expect('{');
    while (!accept('}')) {
      const std::size_t start = at_;
      const std::string key = quoted();
      expect(':');
      if (key == "descr")
        once(seen[0], key, start), read_descr(header);
      else if (key == "fortran_order")
        once(seen[1], key, start), header.fortran_order = boolean();
      else if (key == "shape")
        once(seen[2], key, start), header.shape = tuple();
      else
        fail("unknown key '" + key + "'", start);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (at_ != text_.size()) fail("expected the end of the header", at_);
    if (!seen[0] || !seen[1] || !seen[2]) fail("'descr', 'fortran_order' and 'shape' must all be given", 0);
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t at) const {
    throw Error(where_ + ", byte " + std::to_string(place_ + at) + ": " + what);
  }

  void once(bool& seen, const std::string& key, std::size_t at) const {
    if (std::exchange(seen, true)) fail("'" + key + "' is given twice", at);
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  bool accept(char wanted) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string("expected '") + wanted + "'", at_);
  }

  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string quoted() {
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail("expected a text in quotes", at_);
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a text in quotes does not end", at_);
    std::string result;
    for (const char c : text_.substr(at_ + 1, end - at_ - 1)) result += c >= ' ' && c <= '~' ? c : '?';
    at_ = end + 1;
    return result;
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail("expected True or False", at_);
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      if (sizes.size() == 32) fail("more than 32 axes", at_);
      sizes.push_back(size());
      if (accept(',')) continue;
      // (3) is a number in Python, (3,) a tuple.
      if (sizes.size() == 1) fail("expected ','", at_);
      expect(')');
      break;
    }
    return sizes;
  }

  std::int64_t size() {
    skip_blanks();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail("a size is too large", at_);
    if (error != std::errc()) fail("expected a size", at_);
    if (value < 0) fail("a size is negative: " + std::to_string(value), at_);
    at_ = static_cast<std::size_t>(end - text_.data());
    accept_word("L");  // Python 2 wrote its long integers so
    return value;
  }

  void read_descr(NpyHeader& header) {
    skip_blanks();
    const std::size_t start = at_;
    if (at_ < text_.size() && text_[at_] == '[') fail("records (a structured dtype) are not supported", start);
    const std::string descr = quoted();
    const std::string_view whole(descr);
    const char order = whole.empty() ? '\0' : whole[0];
    const bool ordered = order == '<' || order == '>' || order == '=' || order == '|';
    const std::string_view code = whole.substr(ordered ? 1 : 0);
    const auto* known = std::find_if(codes.begin(), codes.end(), [&](const Code& each) { return code == each.text; });
    if (known == codes.end())
      fail("elements of dtype '" + descr + "' are not supported: only bool, integers and real numbers are", start);
    header.dtype = known->dtype;
    header.swapped = order == (std::endian::native == std::endian::little ? '>' : '<');
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t place_, at_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& where, std::size_t place) {
  return Parser(text, where, place).parse();
}

std::string npy_prefix(DType dtype, const std::vector<std::int64_t>& shape) {
  const auto* known = std::find_if(codes.begin(), codes.end(), [&](const Code& each) { return each.dtype == dtype; });
  const bool one_byte = size_of(dtype) == 1;
  const char order = one_byte ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string text = std::string("{'descr': '") + order + known->text + "', 'fortran_order': False, 'shape': (";
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    text += (axis > 0 ? ", " : "") + std::to_string(shape[axis]) + (shape.size() == 1 ? "," : "");
  text += "), }";
  constexpr std::size_t fixed = 10;
  text.append((64 - (fixed + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  std::string prefix = std::string("\x93NUMPY\x01\x00", 8);
  prefix += static_cast<char>(text.size() & 0xFF);
  prefix += static_cast<char>(text.size() >> 8);
  return prefix + text;
}

}  // namespace nyala::detail
