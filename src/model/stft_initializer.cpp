#include <cmath>
#include <numbers>

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/ops/math.hpp>

namespace nyala::initializers {

STFT::STFT(STFTOptions options) : options_(std::move(options)) {
  if (options_.side != "real" && options_.side != "imag") {
    throw Error("STFT: side must be \"real\" or \"imag\", got \"" + options_.side + "\"");
  }
  if (options_.scaling != "density" && options_.scaling != "spectrum" && !options_.scaling.empty()) {
    throw Error("STFT: scaling must be \"density\", \"spectrum\" or none, got \"" + options_.scaling + "\"");
  }
  if (!options_.window.empty() && options_.window_values.empty()) window_values(options_.window, 1);
}

Tensor STFT::operator()(const Shape& shape, DType dtype) {
  if (shape.rank() != 3) {
    throw Error("STFT: weights must have the shape (frame_length, channels, frequencies), got " + shape.str());
  }
  const std::int64_t length = shape[0], channels = shape[1], frequencies = shape[2];
  std::vector<double> window = options_.window_values;
  if (window.empty() && !options_.window.empty()) window = window_values(options_.window, length, options_.periodic);
  if (!window.empty() && static_cast<std::int64_t>(window.size()) != length) {
    throw Error("STFT: the window must have " + std::to_string(length) + " steps, got " +
                std::to_string(window.size()));
  }
  double scale = 1.0, squares = 0.0, sum = 0.0;
  for (const double value : window) {
    squares += value * value;
    sum += std::abs(value);
  }
  if (!window.empty() && options_.scaling == "density") scale = std::sqrt(squares);
  if (!window.empty() && options_.scaling == "spectrum") scale = sum;
  const double turn = -2.0 * std::numbers::pi / (2.0 * static_cast<double>(frequencies - 1));
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(shape.elements()));
  for (std::int64_t t = 0; t < length; ++t) {
    const double weight = window.empty() ? 1.0 : window[static_cast<std::size_t>(t)] / scale;
    for (std::int64_t channel = 0; channel < channels; ++channel) {
      for (std::int64_t f = 0; f < frequencies; ++f) {
        const double angle = frequencies > 1 ? turn * static_cast<double>(t * f) : 0.0;
        values.push_back(weight * (options_.side == "real" ? std::cos(angle) : std::sin(angle)));
      }
    }
  }
  return cast(tensor(values, shape), dtype);
}

Config STFT::config() const {
  Config config = Config::object({{"side", options_.side}});
  if (!options_.window_values.empty())
    config["window"] = options_.window_values;
  else
    config["window"] = options_.window.empty() ? Config() : Config(options_.window);
  config["periodic"] = options_.periodic;
  config["scaling"] = options_.scaling.empty() ? Config() : Config(options_.scaling);
  return config;
}

STFT STFT::from_config(const Config& config) {
  STFTOptions options{.side = config.get("side", "real"), .periodic = config.get("periodic", false)};
  const auto word = [&](const char* key, const std::string& otherwise) {
    if (!config.contains(key)) return otherwise;
    return config.at(key).is_string() ? config.at(key).as_string() : std::string();
  };
  options.scaling = word("scaling", "density");
  options.window = word("window", "hann");
  if (config.get("window").is_array()) {
    for (const Config& value : config.at("window").items()) options.window_values.push_back(value.as_double());
  }
  return STFT(std::move(options));
}

}  // namespace nyala::initializers
