#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layers/audio.hpp>

#include "spatial.hpp"

namespace nyala {

STFTSpectrogram::STFTSpectrogram(STFTSpectrogramOptions options) : LayerOf(options), options_(std::move(options)) {
  const auto among = [](const std::string& value, std::initializer_list<const char*> allowed, const char* what) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      throw Error(std::string("STFTSpectrogram: ") + what + " cannot be \"" + value + "\"");
    }
  };
  among(options_.mode, {"log", "magnitude", "psd", "real", "imag", "angle", "stft"}, "mode");
  among(options_.scaling, {"density", "spectrum", ""}, "scaling");
  among(options_.padding, {"valid", "same"}, "padding");
  spatial::require_positive({options_.frame_length}, "STFTSpectrogram: frame_length");
  constexpr std::int64_t most = std::int64_t{1} << 30;
  if (options_.frame_length > most || options_.fft_length.value_or(0) > most) {
    throw Error("STFTSpectrogram: frame_length and fft_length must be at most " + std::to_string(most));
  }
  if (options_.frame_step && (*options_.frame_step < 1 || *options_.frame_step > options_.frame_length)) {
    throw Error("STFTSpectrogram: frame_step must lie in [1, frame_length], got " +
                std::to_string(*options_.frame_step) + " for frames of " + std::to_string(options_.frame_length));
  }
  if (options_.fft_length && *options_.fft_length < options_.frame_length) {
    throw Error("STFTSpectrogram: fft_length must not be below frame_length, got " +
                std::to_string(*options_.fft_length) + " for frames of " + std::to_string(options_.frame_length));
  }
  if (!options_.window.empty() && options_.window_values.empty()) window_values(options_.window, 1);
  options_.data_format = spatial::data_format(options_.data_format, "STFTSpectrogram");
  set_input_spec({{.rank = 3}});
}

STFTSpectrogram STFTSpectrogram::from_config(const Config& config) {
  const auto length = [&](const char* key) -> std::optional<std::int64_t> { return config.optional_integer(key); };
  const auto word = [&](const char* key, const char* otherwise) -> std::string {
    if (!config.contains(key)) return otherwise;
    return config.at(key).is_string() ? config.at(key).as_string() : std::string();
  };
  STFTSpectrogramOptions options{.mode = config.get("mode", "log"),
                                 .frame_length = length("frame_length").value_or(256),
                                 .frame_step = length("frame_step"),
                                 .fft_length = length("fft_length"),
                                 .window = word("window", "hann"),
                                 .periodic = config.get("periodic", false),
                                 .scaling = word("scaling", "density"),
                                 .padding = config.get("padding", "valid"),
                                 .expand_dims = config.get("expand_dims", false),
                                 .data_format = config.get("data_format", "")};
  if (config.get("window").is_array()) {
    for (const Config& value : config.at("window").items()) options.window_values.push_back(value.as_double());
  }
  return STFTSpectrogram(with_base(std::move(options), config));
}

std::int64_t STFTSpectrogram::step() const {
  return options_.frame_step.value_or(std::max<std::int64_t>(options_.frame_length / 2, 1));
}

std::int64_t STFTSpectrogram::frequencies() const {
  std::int64_t length = 1;
  while (length < options_.frame_length) length *= 2;
  return options_.fft_length.value_or(length) / 2 + 1;
}

void STFTSpectrogram::build(const Shape&) {
  const Shape shape{options_.frame_length, 1, frequencies()};
  const auto kernel = [&](const char* side) {
    return initializers::STFT({.side = side,
                               .window = options_.window,
                               .scaling = options_.scaling,
                               .periodic = options_.periodic,
                               .window_values = options_.window_values});
  };
  if (options_.mode != "imag") real_kernel_ = add_weight("real_kernel", shape, kernel("real"));
  if (options_.mode != "real") imag_kernel_ = add_weight("imag_kernel", shape, kernel("imag"));
}

/// (batch, channels, frequencies, frames), each channel by itself.
Tensor STFTSpectrogram::convolved(const Tensor& x, const Variable& kernel) const {
  const bool first = options_.data_format == "channels_first";
  const Tensor by_channel = first ? x : transpose(x, {0, 2, 1});
  const std::int64_t batch = by_channel.shape()[0], channels = by_channel.shape()[1];
  const Tensor signals = reshape(by_channel, {batch * channels, by_channel.shape()[2], 1});
  const Tensor y = conv(signals, cast(kernel, x.dtype()), {},
                        {.strides = {step()}, .padding = options_.padding, .data_format = "channels_last"});
  return transpose(reshape(y, {batch, channels, y.shape()[1], y.shape()[2]}), {0, 1, 3, 2});
}

Tensor STFTSpectrogram::arranged(const Tensor& spectrum) const {
  const bool first = options_.data_format == "channels_first";
  if (options_.expand_dims)
    return transpose(spectrum, first ? std::vector<int>{0, 1, 3, 2} : std::vector<int>{0, 3, 2, 1});
  const Shape& shape = spectrum.shape();
  const Tensor joined = reshape(spectrum, {shape[0], shape[1] * shape[2], shape[3]});
  return first ? joined : transpose(joined, {0, 2, 1});
}

Tensor STFTSpectrogram::forward(const Tensor& x, bool) {
  if (!is_floating(x.dtype())) throw Error(label() + ": floating numbers were expected, got " + name_of(x.dtype()));
  Tensor real, imag;
  if (options_.mode != "imag") real = convolved(x, real_kernel_);
  if (options_.mode != "real") imag = convolved(x, imag_kernel_);
  if (options_.mode == "real") return arranged(real);
  if (options_.mode == "imag") return arranged(imag);
  if (options_.mode == "angle") return arranged(arctan2(imag, real));
  if (options_.mode == "stft") return arranged(concatenate({real, imag}, 2));
  const Tensor power = square(real) + square(imag);
  if (options_.mode == "psd") {
    // Frequencies that stand for their negative too count twice.
    const Tensor inner =
        slice(power, {0, 0, 1, 0},
              {power.shape()[0], power.shape()[1], std::max<std::int64_t>(power.shape()[2] - 2, 0), power.shape()[3]});
    return arranged(power + pad(inner, {{0, 0}, {0, 0}, {1, 1}, {0, 0}}));
  }
  const Tensor magnitude = arranged(sqrt(maximum(power, epsilon())));
  return options_.mode == "magnitude" ? magnitude : log(maximum(magnitude, epsilon()));
}

Shape STFTSpectrogram::compute_output_shape(const Shape& input) const {
  const bool first = options_.data_format == "channels_first";
  const std::int64_t channels = input.at(first ? 1 : 2), time = input.at(first ? 2 : 1);
  const std::int64_t frames =
      spatial::output_length(time, options_.frame_length, step(), 1, options_.padding, "STFTSpectrogram");
  const std::int64_t bands = frequencies() * (options_.mode == "stft" ? 2 : 1);
  if (options_.expand_dims)
    return first ? Shape{input[0], channels, frames, bands} : Shape{input[0], frames, bands, channels};
  const std::int64_t all = channels == None ? None : channels * bands;
  return first ? Shape{input[0], all, frames} : Shape{input[0], frames, all};
}

Config STFTSpectrogram::config() const {
  const auto text = [](const std::string& value) { return value.empty() ? Config() : Config(value); };
  Config config = base_config();
  config["mode"] = options_.mode;
  config["frame_length"] = options_.frame_length;
  config["frame_step"] = options_.frame_step;
  config["fft_length"] = options_.fft_length;
  config["window"] = options_.window_values.empty() ? text(options_.window) : Config(options_.window_values);
  config["periodic"] = options_.periodic;
  config["scaling"] = text(options_.scaling);
  config["padding"] = options_.padding;
  config["data_format"] = options_.data_format;
  config["expand_dims"] = options_.expand_dims;
  return config;
}

}  // namespace nyala
