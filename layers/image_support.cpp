#include "image_support.hpp"

#include <algorithm>
#include <cmath>

#include <nyala/error.hpp>

namespace nyala::image {

Factor resolved(const Factor& given, double least, double most, const char* what) {
  const bool inside = given.is_one() ? given.lower() >= least && given.lower() <= most
                                     : given.lower() <= most && given.upper() >= least;
  if (!inside) {
    throw Error(std::string(what) + " must lie in [" + Config(least).json() + ", " + Config(most).json() + "], got " +
                as_given(given).json());
  }
  if (!given.is_one()) return {std::min(given.lower(), given.upper()), std::max(given.lower(), given.upper())};
  const double size = std::abs(given.lower());
  return {std::max(-size, least), size};
}

Factor factor(const Config& config, const Factor& otherwise) {
  if (config.is_null()) return otherwise;
  if (config.is_number()) return config.as_double();
  if (!config.is_array() || config.size() != 2) throw Error("a factor must be one number or two, got " + config.json());
  return {config[0].as_double(), config[1].as_double()};
}

Config pair(const Factor& factor) { return Config(std::vector<double>{factor.lower(), factor.upper()}); }

Config as_given(const Factor& factor) { return factor.is_one() ? Config(factor.lower()) : pair(factor); }

std::array<std::int64_t, 2> two_sizes(const Config& config) {
  const std::vector<std::int64_t> sizes = config.as_integers();
  if (sizes.empty() || sizes.size() > 2) throw Error("one or two sizes were expected, got " + config.json());
  return {sizes.front(), sizes.back()};
}

ValueRange sorted(const ValueRange& range, const char* layer) {
  if (!(range.low != range.high)) {
    throw Error(std::string(layer) + ": value_range must hold two different numbers, got " + to_config(range).json());
  }
  return {std::min(range.low, range.high), std::max(range.low, range.high)};
}

ValueRange value_range(const Config& config) {
  if (config.is_null()) return {};
  if (!config.is_array() || config.size() != 2) throw Error("value_range must be two numbers, got " + config.json());
  return {config[0].as_double(), config[1].as_double()};
}

Config to_config(const ValueRange& range) { return Config(std::vector<double>{range.low, range.high}); }

Tensor rescaled(const Tensor& images, const ValueRange& from, const ValueRange& to) {
  if (from.low == to.low && from.high == to.high) return images;
  return (images - from.low) / (from.high - from.low) * (to.high - to.low) + to.low;
}

void require_one_of(const std::string& value, const std::vector<const char*>& allowed, const char* what) {
  std::string names;
  for (const char* name : allowed) {
    if (value == name) return;
    names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  throw Error(std::string(what) + " must be one of " + names + ", got \"" + value + "\"");
}

void require_size(std::int64_t height, std::int64_t width, const char* layer) {
  if (height >= 1 && width >= 1) return;
  throw Error(std::string(layer) + ": height and width must be positive, got " + Shape{height, width}.str());
}

std::vector<double> gamma(std::int64_t count, double shape, SeedGenerator& seed) {
  constexpr std::int64_t attempts = 32;  // each succeeds with more than 95 %
  // Shapes below 1 are reduced to shape + 1 by a power of a uniform number.
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  const std::vector<double> normal =
      random::normal({count, attempts}, 0.0, 1.0, DType::float64, seed).to_vector<double>();
  const std::vector<double> uniform =
      random::uniform({count, attempts + 1}, 0.0, 1.0, DType::float64, seed).to_vector<double>();
  std::vector<double> values(static_cast<std::size_t>(count), d);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < attempts; ++j) {
      const double x = normal[i * attempts + j], v = std::pow(1.0 + c * x, 3.0);
      const double u = uniform[i * (attempts + 1) + j];
      if (v > 0.0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) {
        values[i] = d * v;
        break;
      }
    }
    if (shape < 1.0) values[i] *= std::pow(uniform[i * (attempts + 1) + attempts], 1.0 / shape);
  }
  return values;
}

std::vector<double> beta(std::int64_t count, double alpha, SeedGenerator& seed) {
  std::vector<double> values = gamma(count, alpha, seed);
  const std::vector<double> other = gamma(count, alpha, seed);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double sum = values[i] + other[i];
    values[i] = sum > 0.0 ? values[i] / sum : 0.5;
  }
  return values;
}

}  // namespace nyala::image
