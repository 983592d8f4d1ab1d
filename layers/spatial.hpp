#pragma once

// What the layers over images and sequences share: their arguments checked, and the sizes that windows leave.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/dtype.hpp>
#include <nyala/error.hpp>
#include <nyala/shape.hpp>

namespace nyala::spatial {

/// "channels_last" or "channels_first", the global one where none is given. Error otherwise.
std::string data_format(const std::string& given, const std::string& layer);
/// "valid" or "same" (and "causal" where allowed), in lower case. Error otherwise.
std::string padding(const std::string& given, bool causal_allowed, const std::string& layer);
void require_positive(const std::vector<std::int64_t>& values, const std::string& what);
/// Output length of one axis: None stays None. Error where the window does not fit.
std::int64_t output_length(std::int64_t input, std::int64_t size, std::int64_t stride, std::int64_t dilation,
                           const std::string& padding, const std::string& layer);
/// Where the channels are, and the first spatial axis.
inline std::size_t channel_axis(const std::string& data_format, std::size_t rank) {
  return data_format == "channels_first" ? 1 : rank - 1;
}
inline std::size_t first_spatial(const std::string& data_format) { return data_format == "channels_first" ? 2 : 1; }

template <std::size_t N>
Dims<N> dims(const Config& config, const Dims<N>& otherwise) {
  if (config.is_null()) return otherwise;
  const std::vector<std::int64_t> sizes = config.as_integers();
  std::array<std::int64_t, N> each{};
  if (sizes.size() == 1)
    each.fill(sizes.front());
  else if (sizes.size() == N)
    std::copy(sizes.begin(), sizes.end(), each.begin());
  else
    throw Error("config: " + std::to_string(N) + " sizes were expected, got " + config.json());
  return Dims<N>(each);
}

}  // namespace nyala::spatial
