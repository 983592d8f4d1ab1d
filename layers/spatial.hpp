#pragma once

// What the layers over images and sequences share: their arguments checked, and the sizes that windows leave.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/dtype.hpp>
#include <nyala/error.hpp>
#include <nyala/ops/nn.hpp>
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

template <std::size_t N>
bool above_one(const Dims<N>& dims) {
  const std::vector<std::int64_t> sizes = dims.vector();
  return std::any_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size > 1; });
}

// Of layers whose options have strides, padding, data_format and dilation_rate.

template <std::size_t N, class O>
void require_window(const Dims<N>& kernel_size, const O& options, const std::string& layer) {
  require_positive(kernel_size.vector(), layer + ": kernel_size");
  require_positive(options.strides.vector(), layer + ": strides");
  require_positive(options.dilation_rate.vector(), layer + ": dilation_rate");
}

/// The input's shape with the spatial sizes that a window leaves.
template <std::size_t N, class O>
Shape window_shape(const Shape& input, const Dims<N>& window, const O& options, const std::string& layer) {
  Shape output = input;
  const std::size_t first = first_spatial(options.data_format);
  for (std::size_t i = 0; i < N; ++i) {
    std::int64_t dilation = 1;
    if constexpr (requires { options.dilation_rate; }) dilation = options.dilation_rate[i];
    output[first + i] =
        output_length(input[first + i], window[i], options.strides[i], dilation, options.padding, layer);
  }
  return output;
}

template <class O>
ConvArguments conv_arguments(const O& options, std::optional<FusedActivation> fused) {
  return {.strides = options.strides.vector(),
          .padding = options.padding,
          .data_format = options.data_format,
          .dilation_rate = options.dilation_rate.vector(),
          .activation = fused.value_or(FusedActivation::none)};
}

struct Channels {
  std::size_t axis;
  std::int64_t number;
};
/// Error if the input's channels are not known.
Channels known_channels(const Shape& input, const std::string& data_format, const std::string& layer);

}  // namespace nyala::spatial
