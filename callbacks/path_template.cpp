#include "path_template.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>

#include <nyala/error.hpp>

#include "support.hpp"

namespace nyala::detail {
namespace {

/// [[fill]align][sign][#][0][width][,][.precision][type] of Python's format language.
struct Format {
  char fill = ' ', align = 0, sign = '-', type = 0;
  bool grouped = false;
  std::size_t width = 0;
  std::optional<int> precision;
};

using Refuse = std::function<void(const std::string&)>;

Format parsed(const std::string& text, const Refuse& refuse) {
  Format format;
  std::size_t at = 0;
  const auto is_one_of = [&](std::size_t place, const char* characters) {
    return place < text.size() && std::string(characters).find(text[place]) != std::string::npos;
  };
  const auto number = [&] {
    std::size_t value = 0;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0 && value < 1000) {
      value = value * 10 + static_cast<std::size_t>(text[at++] - '0');
    }
    return value;
  };
  if (is_one_of(1, "<>^=")) {
    format.fill = text[0];
    format.align = text[1];
    at = 2;
  } else if (is_one_of(0, "<>^=")) {
    format.align = text[at++];
  }
  if (is_one_of(at, "+- ")) format.sign = text[at++];
  if (is_one_of(at, "0")) {
    if (format.align == 0) {
      format.fill = '0';
      format.align = '=';
    }
    ++at;
  }
  format.width = number();
  if (is_one_of(at, ",")) {
    format.grouped = true;
    ++at;
  }
  if (is_one_of(at, ".")) {
    ++at;
    if (at >= text.size() || std::isdigit(static_cast<unsigned char>(text[at])) == 0) refuse("lacks a precision");
    format.precision = static_cast<int>(number());
  }
  if (at < text.size()) format.type = text[at++];
  if (at != text.size() || format.width >= 1000 || format.precision.value_or(0) >= 100) refuse("is no format");
  return format;
}

std::string grouped_digits(std::string digits) {
  std::size_t whole = 0;
  while (whole < digits.size() && std::isdigit(static_cast<unsigned char>(digits[whole])) != 0) ++whole;
  for (; whole > 3; whole -= 3) digits.insert(whole - 3, ",");
  return digits;
}

std::string laid_out(std::string digits, bool negative, const Format& format) {
  if (format.grouped) digits = grouped_digits(digits);
  const std::string sign = negative ? "-" : format.sign == '-' ? "" : std::string(1, format.sign);
  const std::size_t used = sign.size() + digits.size();
  const std::size_t gap = format.width > used ? format.width - used : 0;
  switch (format.align) {
    case '<': return sign + digits + std::string(gap, format.fill);
    case '^': return std::string(gap / 2, format.fill) + sign + digits + std::string(gap - gap / 2, format.fill);
    case '=': return sign + std::string(gap, format.fill) + digits;
    default: return std::string(gap, format.fill) + sign + digits;
  }
}

std::string printed(const char type, int precision, double value) {
  const std::string pattern = std::string("%.*") + type;
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), pattern.c_str(), precision, value);
  return text.data();
}

std::string of_real(double value, const Format& format, const Refuse& refuse) {
  const bool negative = std::signbit(value) && !std::isnan(value);
  const double size = std::abs(value);
  if (!std::isfinite(value)) return laid_out(std::isnan(value) ? "nan" : "inf", negative, format);
  switch (format.type) {
    case 0:
      if (!format.precision) return laid_out(python_number(size), negative, format);
      return laid_out(printed('g', std::max(*format.precision, 1), size), negative, format);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': return laid_out(printed(format.type, format.precision.value_or(6), size), negative, format);
    case '%': return laid_out(printed('f', format.precision.value_or(6), size * 100.0) + "%", negative, format);
    default: refuse("does not fit a float");
  }
  return {};
}

std::string of_whole(long long value, const Format& format, const Refuse& refuse) {
  switch (format.type) {
    case 0:
    case 'd': break;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case '%': return of_real(static_cast<double>(value), format, refuse);
    default: refuse("does not fit an int");
  }
  if (format.precision) refuse("gives an int a precision");
  return laid_out(std::to_string(value < 0 ? -value : value), value < 0, format);
}

/// Calls `field(name, format)` for what stands between braces and returns the text with their results.
std::string expanded(const std::string& path, const std::string& where,
                     const std::function<std::string(const std::string&, const std::string&)>& field) {
  std::string result;
  for (std::size_t at = 0; at < path.size(); ++at) {
    const char c = path[at];
    if ((c == '{' || c == '}') && at + 1 < path.size() && path[at + 1] == c) {
      result += c;
      ++at;
    } else if (c == '{') {
      const std::size_t end = path.find('}', at);
      if (end == std::string::npos) throw Error(where + ": a '{' in \"" + path + "\" has no '}'");
      const std::string inside = path.substr(at + 1, end - at - 1);
      const std::size_t colon = inside.find(':');
      const std::string name = inside.substr(0, colon);
      if (name.empty() || inside.find('{') != std::string::npos) {
        throw Error(where + ": \"{" + inside + "}\" in \"" + path + "\" names no entry of the logs");
      }
      result += field(name, colon == std::string::npos ? "" : inside.substr(colon + 1));
      at = end;
    } else if (c == '}') {
      throw Error(where + ": a '}' in \"" + path + "\" has no '{'");
    } else {
      result += c;
    }
  }
  return result;
}

Refuse refusal(const std::string& where, const std::string& path, const std::string& name, const std::string& format) {
  return [=](const std::string& why) {
    throw Error(where + ": the format \"" + format + "\" of {" + name + "} in \"" + path + "\" " + why);
  };
}

}  // namespace

std::string filled(const std::string& path, const std::map<std::string, long long>& whole, const Logs& logs,
                   const std::string& where) {
  return expanded(path, where, [&](const std::string& name, const std::string& text) {
    const Refuse refuse = refusal(where, path, name, text);
    const Format format = parsed(text, refuse);
    if (const auto log = logs.find(name); log != logs.end()) return of_real(log->second, format, refuse);
    if (const auto number = whole.find(name); number != whole.end()) return of_whole(number->second, format, refuse);
    std::string names;
    for (const auto& [key, value] : whole) names += (names.empty() ? "" : ", ") + key;
    for (const auto& [key, value] : logs) names += ", " + key;
    throw Error(where + ": {" + name + "} in \"" + path + "\" is not available; there are: " + names);
  });
}

void check_template(const std::string& path, const std::string& where) {
  expanded(path, where, [&](const std::string& name, const std::string& text) {
    parsed(text, refusal(where, path, name, text));
    return std::string();
  });
}

}  // namespace nyala::detail
