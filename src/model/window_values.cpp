#include <cmath>
#include <map>
#include <numbers>

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>

namespace nyala {

namespace {

constexpr double pi = std::numbers::pi;

/// Sums of cosines, by their coefficients.
const std::map<std::string, std::vector<double>>& cosine_sums() {
  static const std::map<std::string, std::vector<double>> sums = {
      {"boxcar", {1.0}},
      {"hann", {0.5, 0.5}},
      {"hamming", {0.54, 0.46}},
      {"blackman", {0.42, 0.5, 0.08}},
      {"nuttall", {0.3635819, 0.4891775, 0.1365995, 0.0106411}},
      {"blackmanharris", {0.35875, 0.48829, 0.14128, 0.01168}},
      {"flattop", {0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368}}};
  return sums;
}

/// The other windows, at step n of a symmetric window of `size` steps.
double other(const std::string& name, double n, double size) {
  const double last = size - 1.0, from_middle = std::abs(n - last / 2.0);
  if (name == "bartlett") return 1.0 - 2.0 * from_middle / last;
  if (name == "triang") return 1.0 - 2.0 * from_middle / (std::fmod(size, 2.0) == 0.0 ? size : size + 1.0);
  if (name == "cosine") return std::sin(pi / size * (n + 0.5));
  if (name == "bohman") {
    const double x = 2.0 * from_middle / last;
    return (1.0 - x) * std::cos(pi * x) + std::sin(pi * x) / pi;
  }
  if (name == "barthann") {
    const double x = std::abs(n / last - 0.5);
    return 0.62 - 0.48 * x + 0.38 * std::cos(2.0 * pi * x);
  }
  const double x = 2.0 * from_middle / size;
  if (from_middle <= (size - 1.0) / 4.0) return 1.0 - 6.0 * x * x + 6.0 * x * x * x;
  return 2.0 * std::pow(1.0 - x, 3.0);
}

std::string short_name(const std::string& name) {
  if (name == "rectangular" || name == "rect" || name == "ones" || name == "box") return "boxcar";
  if (name == "hanning" || name == "han") return "hann";
  if (name == "hamm" || name == "ham") return "hamming";
  if (name == "triangle" || name == "tri") return "triang";
  if (name == "black" || name == "blk") return "blackman";
  if (name == "bart" || name == "brt") return "bartlett";
  if (name == "blackharr" || name == "bkh") return "blackmanharris";
  return name;
}

}  // namespace

std::vector<double> window_values(const std::string& given, std::int64_t size, bool periodic) {
  const std::string name = short_name(given);
  const auto sum = cosine_sums().find(name);
  bool known = sum != cosine_sums().end();
  for (const char* one : {"bartlett", "triang", "cosine", "bohman", "barthann", "parzen"}) known = known || name == one;
  if (!known) throw Error("window_values: there is no window \"" + given + "\"");
  if (size < 0) throw Error("window_values: size must not be negative, got " + std::to_string(size));
  std::vector<double> values(static_cast<std::size_t>(size), 1.0);
  if (size <= 1) return values;
  const double all = static_cast<double>(size) + (periodic ? 1.0 : 0.0);
  for (std::int64_t n = 0; n < size; ++n) {
    double& value = values[static_cast<std::size_t>(n)];
    const auto step = static_cast<double>(n);
    if (sum == cosine_sums().end()) {
      value = other(name, step, all);
      continue;
    }
    value = 0.0;
    for (std::size_t k = 0; k < sum->second.size(); ++k) {
      value += sum->second[k] * std::cos(static_cast<double>(k) * (2.0 * pi * step / (all - 1.0) - pi));
    }
  }
  // Bohman's ends are zero by definition, not by rounding.
  if (name == "bohman") {
    values.front() = 0.0;
    if (!periodic) values.back() = 0.0;
  }
  return values;
}

}  // namespace nyala
