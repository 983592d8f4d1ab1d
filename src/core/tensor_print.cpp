// Tensors as NumPy prints arrays: rows under each other, columns aligned, long axes elided.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <string>
#include <utility>

#include <nyala/tensor.hpp>

#include "core/tensor_impl.hpp"

namespace nyala {

namespace {

constexpr std::int64_t threshold = 1000;  // elements from which axes are elided
constexpr std::int64_t edge = 3;          // entries shown at each end of an elided axis
constexpr int precision = 8;              // digits after the point
constexpr std::size_t line_width = 75;

std::string shortest(double value, DType dtype) {
  char text[64];
  const bool narrow = dtype != DType::float64;
  const auto result = narrow
                          ? std::to_chars(text, text + sizeof text, static_cast<float>(value), std::chars_format::fixed)
                          : std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  std::string digits(text, result.ptr);
  const std::size_t point = digits.find('.');
  if (point == std::string::npos) return digits + ".";
  if (digits.size() - point - 1 <= precision) return digits;
  const auto rounded = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, precision);
  digits.assign(text, rounded.ptr);
  while (digits.back() == '0') digits.pop_back();
  return digits;
}

/// Mantissa and exponent, "1.5" and "e-05", of the shortest text that reads back as the same number.
std::pair<std::string, std::string> scientific(double value, DType dtype) {
  char text[64];
  const bool narrow = dtype != DType::float64;
  auto result = narrow
                    ? std::to_chars(text, text + sizeof text, static_cast<float>(value), std::chars_format::scientific)
                    : std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string digits(text, result.ptr);
  if (digits.find('e') > precision + 3) {
    result = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, precision);
    digits.assign(text, result.ptr);
  }
  const std::size_t e = digits.find('e');
  std::string mantissa = digits.substr(0, e);
  if (mantissa.find('.') == std::string::npos) mantissa += '.';
  return {mantissa, digits.substr(e)};
}

/// How the numbers that are shown are written, the same for all of them.
struct Format {
  bool exponent = false;
  std::size_t before = 0, after = 0;  // characters before the point, and from it on
  std::size_t fraction = 0;           // of mantissas: characters from the point on
  std::size_t width = 0;
};

class Printer {
 public:
  explicit Printer(const Tensor& tensor) : tensor_(tensor), shape_(tensor.shape()), dtype_(tensor.dtype()) {
    elide_ = tensor.size() > threshold;
    if (dtype_ == DType::string)
      strings_ = tensor.to_strings();
    else if (is_floating(dtype_))
      reals_ = tensor.to_vector<double>();
    else if (dtype_ == DType::uint64)
      naturals_ = tensor.to_vector<std::uint64_t>();
    else
      integers_ = tensor.to_vector<std::int64_t>();
    choose_format();
  }

  std::string print() {
    if (shape_.empty()) return element(0);
    if (tensor_.size() == 0) return "[]";
    print_axis(0, 0);
    return std::move(out_);
  }

 private:
  template <class F>
  void each_shown(std::size_t axis, std::int64_t first, F f) const {
    if (axis == shape_.size()) return f(static_cast<std::size_t>(first));
    const std::int64_t stride = stride_of(axis);
    for (std::int64_t i = 0; i < shape_[axis]; ++i) {
      if (elide_ && shape_[axis] > 2 * edge && i == edge) i = shape_[axis] - edge;
      each_shown(axis + 1, first + i * stride, f);
    }
  }

  std::int64_t stride_of(std::size_t axis) const {
    std::int64_t stride = 1;
    for (std::size_t i = axis + 1; i < shape_.size(); ++i) stride *= shape_[i];
    return stride;
  }

  void choose_format() {
    if (is_floating(dtype_)) {
      double largest = 0.0, smallest = INFINITY;
      each_shown(0, 0, [&](std::size_t i) {
        const double magnitude = std::abs(reals_[i]);
        if (!std::isfinite(magnitude) || magnitude == 0.0) return;
        largest = std::max(largest, magnitude);
        smallest = std::min(smallest, magnitude);
      });
      format_.exponent = largest >= 1e8 || (largest > 0.0 && (smallest < 1e-4 || largest / smallest > 1e3));
      if (format_.exponent) {
        each_shown(0, 0, [&](std::size_t i) {
          if (!std::isfinite(reals_[i])) return;
          const std::string mantissa = scientific(reals_[i], dtype_).first;
          format_.fraction = std::max(format_.fraction, mantissa.size() - mantissa.find('.'));
        });
      }
      std::size_t special = 0;
      each_shown(0, 0, [&](std::size_t i) {
        const std::string text = raw(i);
        if (!std::isfinite(reals_[i])) {
          special = std::max(special, text.size());
          return;
        }
        const std::size_t point = std::min(text.find('.'), text.size());
        format_.before = std::max(format_.before, point);
        format_.after = std::max(format_.after, text.size() - point);
      });
      format_.width = std::max(format_.before + format_.after, special);
      if (shape_.empty()) format_ = {format_.exponent, 0, 0, format_.fraction, 0};
      return;
    }
    if (!shape_.empty())
      each_shown(0, 0, [&](std::size_t i) { format_.width = std::max(format_.width, raw(i).size()); });
  }

  std::string raw(std::size_t i) const {
    if (dtype_ == DType::string) return "'" + strings_[i] + "'";
    if (dtype_ == DType::boolean) return integers_[i] != 0 ? "True" : "False";
    if (dtype_ == DType::uint64) return std::to_string(naturals_[i]);
    if (!is_floating(dtype_)) return std::to_string(integers_[i]);
    if (std::isnan(reals_[i])) return "nan";
    if (std::isinf(reals_[i])) return reals_[i] > 0 ? "inf" : "-inf";
    if (!format_.exponent) return shortest(reals_[i], dtype_);
    auto [mantissa, exponent] = scientific(reals_[i], dtype_);
    const std::size_t from_point = mantissa.size() - mantissa.find('.');
    if (format_.fraction > from_point) mantissa.append(format_.fraction - from_point, '0');
    return mantissa + exponent;
  }

  std::string element(std::size_t i) const {
    std::string text = raw(i);
    if (!is_floating(dtype_)) {
      const std::size_t missing = format_.width > text.size() ? format_.width - text.size() : 0;
      return dtype_ == DType::string ? text + std::string(missing, ' ') : std::string(missing, ' ') + text;
    }
    if (shape_.empty() && text.back() == '.') return text + "0";
    if (std::isfinite(reals_[i])) {
      const std::size_t after = text.size() - std::min(text.find('.'), text.size());
      if (format_.after > after) text.append(format_.after - after, ' ');
    }
    if (format_.width > text.size()) text.insert(0, format_.width - text.size(), ' ');
    return text;
  }

  void print_axis(std::size_t axis, std::int64_t first) {
    out_ += '[';
    const bool last = axis + 1 == shape_.size();
    const std::int64_t stride = stride_of(axis);
    const std::string margin(axis + 1, ' ');
    std::size_t line = axis + 1;
    for (std::int64_t i = 0; i < shape_[axis]; ++i) {
      if (i > 0 && !last) out_ += std::string(shape_.size() - axis - 1, '\n') + margin;
      const bool gap = elide_ && shape_[axis] > 2 * edge && i == edge;
      if (gap) i = shape_[axis] - edge;
      if (last) {
        const std::string text = gap ? "... " + element(static_cast<std::size_t>(first + i * stride))
                                     : element(static_cast<std::size_t>(first + i * stride));
        if (i > 0 && line + 1 + text.size() > line_width) {
          out_ += '\n' + margin;
          line = axis + 1;
        } else if (i > 0) {
          out_ += ' ';
          ++line;
        }
        out_ += text;
        line += text.size();
      } else {
        if (gap) out_ += "..." + std::string(shape_.size() - axis - 1, '\n') + margin;
        print_axis(axis + 1, first + i * stride);
      }
    }
    out_ += ']';
  }

  Tensor tensor_;
  Shape shape_;
  DType dtype_;
  bool elide_ = false;
  std::vector<double> reals_;
  std::vector<std::int64_t> integers_;
  std::vector<std::uint64_t> naturals_;
  std::vector<std::string> strings_;
  Format format_;
  std::string out_;
};

}  // namespace

std::string Tensor::str() const { return defined() ? Printer(*this).print() : "None"; }

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << tensor.str(); }

}  // namespace nyala
