#include <charconv>
#include <cmath>
#include <cstdio>

#include <nyala/config.hpp>

#include "model/unicode.hpp"

namespace nyala {

namespace {

/// Python's repr: the shortest digits that read back, in scientific form below 1e-4 and from 1e16 on.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char buffer[32];
  const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string text(buffer, scientific.ptr);
  const std::size_t mark = text.find('e');
  const int exponent = std::stoi(text.substr(mark + 1));
  if (exponent < -4 || exponent >= 16) return text;
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string plain(buffer, fixed.ptr);
  return plain.find('.') == std::string::npos ? plain + ".0" : plain;
}

void write_escape(std::uint32_t unit, std::string& out) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(unit));
  out += buffer;
}

void write_string(const std::string& text, std::string& out) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t code = detail::next_code_point(text, at);
    switch (code) {
      case '"': out += "\\\""; continue;
      case '\\': out += "\\\\"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '\t': out += "\\t"; continue;
      case '\f': out += "\\f"; continue;
      case '\b': out += "\\b"; continue;
      default: break;
    }
    if (code >= 0x20 && code < 0x7f) {
      out += static_cast<char>(code);
    } else if (code < 0x10000) {
      write_escape(code, out);
    } else {
      write_escape(0xd800 + ((code - 0x10000) >> 10), out);
      write_escape(0xdc00 + ((code - 0x10000) & 0x3ff), out);
    }
  }
  out += '"';
}

struct Writer {
  int indent;
  std::string out = {};

  void new_line(int depth) {
    if (indent >= 0) out += '\n' + std::string(static_cast<std::size_t>(depth * indent), ' ');
  }

  template <class Range, class Each>
  void list(const Range& range, char open, char close, int depth, const Each& each) {
    out += open;
    bool first = true;
    for (const auto& entry : range) {
      if (!first) out += indent < 0 ? ", " : ",";
      first = false;
      new_line(depth + 1);
      each(entry);
    }
    if (!first) new_line(depth);
    out += close;
  }

  void value(const Config& config, int depth) {
    switch (config.kind()) {
      case Config::Kind::null: out += "null"; break;
      case Config::Kind::boolean: out += config.as_bool() ? "true" : "false"; break;
      case Config::Kind::integer: out += std::to_string(config.as_integer()); break;
      case Config::Kind::real: out += number(config.as_double()); break;
      case Config::Kind::string: write_string(config.as_string(), out); break;
      case Config::Kind::array:
        list(config.items(), '[', ']', depth, [&](const Config& item) { value(item, depth + 1); });
        break;
      case Config::Kind::object:
        list(config.entries(), '{', '}', depth, [&](const Config::Entry& entry) {
          write_string(entry.first, out);
          out += ": ";
          value(entry.second, depth + 1);
        });
        break;
    }
  }
};

}  // namespace

std::string Config::json(int indent) const {
  Writer writer{indent};
  writer.value(*this, 0);
  return writer.out;
}

}  // namespace nyala
