#include "spatial.hpp"

#include <cctype>
#include <limits>

namespace nyala::spatial {

std::string data_format(const std::string& given, const std::string& layer) {
  const std::string format = given.empty() ? image_data_format() : given;
  if (format != "channels_last" && format != "channels_first") {
    throw Error(layer + ": data_format must be \"channels_last\" or \"channels_first\", got \"" + format + "\"");
  }
  return format;
}

std::string padding(const std::string& given, bool causal_allowed, const std::string& layer) {
  std::string name = given;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "valid" || name == "same" || (causal_allowed && name == "causal")) return name;
  throw Error(layer + ": padding must be \"valid\"" + (causal_allowed ? ", \"same\" or \"causal\"" : " or \"same\"") +
              ", got \"" + given + "\"");
}

void require_positive(const std::vector<std::int64_t>& values, const std::string& what) {
  for (const std::int64_t value : values) {
    if (value < 1) throw Error(what + " must be positive, got " + Config(values).json());
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    if (value > most)
      throw Error(what + " must not be above " + std::to_string(most) + ", got " + Config(values).json());
  }
}

std::int64_t output_length(std::int64_t input, std::int64_t size, std::int64_t stride, std::int64_t dilation,
                           const std::string& padding, const std::string& layer) {
  if (input == None) return None;
  if (padding != "valid") return (input + stride - 1) / stride;
  const std::int64_t window = (size - 1) * dilation + 1;
  if (window > input) {
    throw Error(layer + ": a window of " + std::to_string(window) + " does not fit an axis of " +
                std::to_string(input) + " with padding \"valid\"");
  }
  return (input - window) / stride + 1;
}

Channels known_channels(const Shape& input, const std::string& data_format, const std::string& layer) {
  const std::size_t axis = channel_axis(data_format, input.size());
  if (input[axis] == None) throw Error(layer + ": the channels must be known, the shape is " + input.str());
  return {axis, input[axis]};
}

}  // namespace nyala::spatial
