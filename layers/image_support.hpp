#pragma once

// The arguments that layers over images share: checked, and to and from configs.

#include <array>
#include <string>
#include <vector>

#include <nyala/layers/image_layer.hpp>

namespace nyala::image {

/// Strengths in [least, most], sorted; one number f becomes max(-f, least) to f. Error naming the layer otherwise.
Factor resolved(const Factor& given, double least, double most, const char* what);
/// A number or a list of two.
Factor factor(const Config& config, const Factor& otherwise);
/// Always a list of two.
Config pair(const Factor& factor);
/// As it was given.
Config as_given(const Factor& factor);

/// Two whole numbers, or one for both.
std::array<std::int64_t, 2> two_sizes(const Config& config);

/// Sorted; Error if both are equal.
ValueRange sorted(const ValueRange& range, const char* layer);
ValueRange value_range(const Config& config);
Config to_config(const ValueRange& range);
/// From one range of values to another.
Tensor rescaled(const Tensor& images, const ValueRange& from, const ValueRange& to);
constexpr ValueRange bytes = {0.0, 255.0};

/// Error unless `value` is among the allowed ones.
void require_one_of(const std::string& value, const std::vector<const char*>& allowed, const char* what);
void require_size(std::int64_t height, std::int64_t width, const char* layer);

/// data_format, bounding_box_format and seed (if O has one) from a config.
template <class O>
O with_image(O options, const Config& config) {
  options.data_format = config.get("data_format", "");
  options.bounding_box_format = config.get("bounding_box_format", "");
  if constexpr (requires { options.seed; }) options.seed = config.optional_integer("seed");
  return with_base(options, config);
}

/// `count` values of the gamma distribution of that shape and unit scale (Marsaglia & Tsang 2000).
std::vector<double> gamma(std::int64_t count, double shape, SeedGenerator& seed);
std::vector<double> beta(std::int64_t count, double alpha, SeedGenerator& seed);

}  // namespace nyala::image
