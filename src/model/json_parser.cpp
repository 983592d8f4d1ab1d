#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <unordered_map>

#include <nyala/config.hpp>
#include <nyala/error.hpp>

#include "model/unicode.hpp"

namespace nyala {

namespace {

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}

  Config document() {
    Config result = value(0);
    skip_space();
    if (at_ != text_.size()) fail("nothing more");
    return result;
  }

 private:
  static constexpr int max_depth = 100;

  [[noreturn]] void fail(const std::string& expected) const {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n') + 1;
    const std::size_t line_start = at_ == 0 ? std::string::npos : text_.rfind('\n', at_ - 1);
    const std::size_t column = line_start == std::string::npos ? at_ + 1 : at_ - line_start;
    std::string found = "the end of the text";
    if (at_ < text_.size()) {
      Config shown(text_.substr(at_, 12));
      found = shown.json();
    }
    throw Error("JSON: line " + std::to_string(line) + ", column " + std::to_string(column) + ": expected " + expected +
                ", found " + found);
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take(const char* word) {
    const std::string wanted(word);
    if (text_.compare(at_, wanted.size(), wanted) != 0) return false;
    at_ += wanted.size();
    return true;
  }

  Config value(int depth) {
    if (depth > max_depth) fail("at most " + std::to_string(max_depth) + " levels of nesting");
    skip_space();
    if (take('{')) return object(depth);
    if (take('[')) return array(depth);
    if (take('"')) return Config(string());
    if (take("null")) return Config();
    if (take("true")) return Config(true);
    if (take("false")) return Config(false);
    if (take("NaN")) return Config(std::numeric_limits<double>::quiet_NaN());
    if (take("Infinity")) return Config(std::numeric_limits<double>::infinity());
    if (take("-Infinity")) return Config(-std::numeric_limits<double>::infinity());
    return number();
  }

  Config object(int depth) {
    std::vector<Config::Entry> entries;
    std::unordered_map<std::string, std::size_t> places;
    skip_space();
    if (take('}')) return Config::object();
    do {
      skip_space();
      if (!take('"')) fail("a key in quotes");
      std::string key = string();
      skip_space();
      if (!take(':')) fail("':'");
      Config entry = value(depth + 1);
      const auto [place, fresh] = places.try_emplace(key, entries.size());
      if (fresh)
        entries.emplace_back(std::move(key), std::move(entry));
      else
        entries[place->second].second = std::move(entry);
      skip_space();
    } while (take(','));
    if (!take('}')) fail("',' or '}'");
    return Config::object(std::move(entries));
  }

  Config array(int depth) {
    std::vector<Config> items;
    skip_space();
    if (take(']')) return Config::array();
    do {
      items.push_back(value(depth + 1));
      skip_space();
    } while (take(','));
    if (!take(']')) fail("',' or ']'");
    return Config::array(std::move(items));
  }

  std::uint32_t hexadecimal() {
    std::uint32_t unit = 0;
    const char* first = text_.data() + at_;
    const char* last = first + std::min<std::size_t>(4, text_.size() - at_);
    const auto result = std::from_chars(first, last, unit, 16);
    if (result.ptr != first + 4 || result.ec != std::errc()) fail("four hexadecimal digits");
    at_ += 4;
    return unit;
  }

  void escape(std::string& out) {
    static constexpr char letters[] = "\"\\/bfnrt";
    static constexpr char meanings[] = "\"\\/\b\f\n\r\t";
    if (take('u')) {
      std::uint32_t code = hexadecimal();
      if (code >= 0xd800 && code < 0xdc00 && text_.compare(at_, 2, "\\u") == 0) {
        const std::size_t before = at_;
        at_ += 2;
        const std::uint32_t low = hexadecimal();
        if (low >= 0xdc00 && low < 0xe000)
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        else
          at_ = before;
      }
      detail::append_code_point(code, out);
      return;
    }
    for (std::size_t i = 0; letters[i] != '\0'; ++i) {
      if (take(letters[i])) {
        out += meanings[i];
        return;
      }
    }
    fail("one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
  }

  std::string string() {
    std::string out;
    while (!take('"')) {
      if (at_ >= text_.size()) fail("a closing quote");
      if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("no bare control character in a string");
      if (take('\\'))
        escape(out);
      else
        out += text_[at_++];
    }
    return out;
  }

  bool digits() {
    const std::size_t before = at_;
    while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ > before;
  }

  Config number() {
    const std::size_t start = at_;
    take('-');
    if (!take('0') && !digits()) {
      at_ = start;
      fail("a value");
    }
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) fail("a digit");
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      whole = false;
      ++at_;
      if (!take('+')) take('-');
      if (!digits()) fail("a digit");
    }
    const char *first = text_.data() + start, *last = text_.data() + at_;
    if (std::int64_t integer = 0; whole && std::from_chars(first, last, integer).ec == std::errc()) return integer;
    double real = 0.0;
    const auto result = std::from_chars(first, last, real);
    if (result.ec == std::errc::result_out_of_range) real = out_of_range(text_.substr(start, at_ - start));
    return real;
  }

  /// Python reads 1e400 as infinity and 1e-400 as 0.
  static double out_of_range(const std::string& digits) {
    const std::size_t first = digits[0] == '-' ? 1 : 0;
    const bool tiny = digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos ||
                      (digits[first] == '0' && digits.find_first_of("eE") == std::string::npos);
    const double size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return first == 1 ? -size : size;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

Config Config::parse(const std::string& json) { return Parser(json).document(); }

}  // namespace nyala
