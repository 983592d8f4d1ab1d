#include <algorithm>
#include <cmath>
#include <numbers>

#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/layers/audio.hpp>

namespace nyala {

namespace {

double mel(double hertz) { return 1127.0 * std::log(1.0 + hertz / 700.0); }

}  // namespace

MelSpectrogram::MelSpectrogram(MelSpectrogramOptions options) : LayerOf(options), options_(std::move(options)) {
  const auto positive = [](double value, const char* what) {
    if (!(value > 0.0)) {
      throw Error(std::string("MelSpectrogram: ") + what + " must be positive, got " + Config(value).json());
    }
  };
  positive(static_cast<double>(options_.fft_length), "fft_length");
  positive(static_cast<double>(options_.sequence_stride), "sequence_stride");
  positive(static_cast<double>(options_.num_mel_bins), "num_mel_bins");
  positive(options_.sampling_rate, "sampling_rate");
  if (options_.fft_length > (1 << 24) || options_.num_mel_bins > (1 << 24)) {
    throw Error("MelSpectrogram: fft_length and num_mel_bins must be at most " + std::to_string(1 << 24) + ", got " +
                std::to_string(options_.fft_length) + " and " + std::to_string(options_.num_mel_bins));
  }
  if (!options_.sequence_length) options_.sequence_length = options_.fft_length;
  if (!options_.max_freq) options_.max_freq = std::floor(options_.sampling_rate / 2.0);
  positive(static_cast<double>(*options_.sequence_length), "sequence_length");
  if (*options_.sequence_length > options_.fft_length) {
    throw Error("MelSpectrogram: fft_length must not be below sequence_length, got " +
                std::to_string(options_.fft_length) + " and " + std::to_string(*options_.sequence_length));
  }
  if (options_.window != "hann" && options_.window != "hamming" && !options_.window.empty()) {
    throw Error("MelSpectrogram: window must be \"hann\", \"hamming\" or none, got \"" + options_.window + "\"");
  }
}

MelSpectrogram MelSpectrogram::from_config(const Config& config) {
  MelSpectrogramOptions options;
  const auto whole = [&](const char* key, std::int64_t& value) {
    value = config.optional_integer(key).value_or(value);
  };
  const auto real = [&](const char* key, double& value) { value = config.get(key, value); };
  whole("fft_length", options.fft_length);
  whole("sequence_stride", options.sequence_stride);
  whole("num_mel_bins", options.num_mel_bins);
  options.sequence_length = config.optional_integer("sequence_length");
  options.max_freq = config.optional_double("max_freq");
  options.power_to_db = config.get("power_to_db", true);
  real("sampling_rate", options.sampling_rate);
  real("min_freq", options.min_freq);
  real("top_db", options.top_db);
  real("mag_exp", options.mag_exp);
  real("min_power", options.min_power);
  real("ref_power", options.ref_power);
  if (config.contains("window")) options.window = config.at("window").is_null() ? "" : config.at("window").as_string();
  return MelSpectrogram(with_base(std::move(options), config));
}

/// (signals, frames, frequencies) of (signals, time), whose ends are mirrored so that frames are centred.
Tensor MelSpectrogram::magnitudes(const Tensor& x) const {
  const std::int64_t length = options_.fft_length, inner = *options_.sequence_length, side = length / 2;
  if (x.shape()[1] <= side) {
    throw Error(label() + ": sounds must be longer than half of fft_length, got " + std::to_string(x.shape()[1]) +
                " for " + std::to_string(length));
  }
  std::vector<double> window(static_cast<std::size_t>(length), options_.window.empty() ? 1.0 : 0.0);
  if (!options_.window.empty()) {
    const std::vector<double> values = window_values(options_.window, inner);
    std::copy(values.begin(), values.end(), window.begin() + static_cast<std::ptrdiff_t>((length - inner) / 2));
  }
  const std::int64_t frequencies = length / 2 + 1;
  std::vector<double> real, imag;
  for (std::int64_t t = 0; t < length; ++t) {
    for (std::int64_t f = 0; f < frequencies; ++f) {
      const double angle = -2.0 * std::numbers::pi * static_cast<double>(t * f % length) / static_cast<double>(length);
      real.push_back(window[static_cast<std::size_t>(t)] * std::cos(angle));
      imag.push_back(window[static_cast<std::size_t>(t)] * std::sin(angle));
    }
  }
  const Tensor padded = expand_dims(pad(x, {{0, 0}, {side, side}}, "reflect"), -1);
  const auto part = [&](const std::vector<double>& values) {
    const Tensor kernel = cast(tensor(values, {length, 1, frequencies}), x.dtype()).to(x.device());
    return conv(padded, kernel, {}, {.strides = {options_.sequence_stride}, .data_format = "channels_last"});
  };
  return power(sqrt(square(part(real)) + square(part(imag))), options_.mag_exp);
}

/// How much of each frequency falls into each band: triangles between neighbours at equal distances on the mel scale.
Tensor MelSpectrogram::mel_matrix(DType dtype) const {
  const std::int64_t frequencies = options_.fft_length / 2 + 1, bands = options_.num_mel_bins;
  const double low = mel(options_.min_freq), width = (mel(*options_.max_freq) - low) / static_cast<double>(bands + 1);
  std::vector<double> values(static_cast<std::size_t>(frequencies * bands));
  for (std::int64_t f = 1; f < frequencies; ++f) {
    const double at = mel(options_.sampling_rate / 2.0 * static_cast<double>(f) / static_cast<double>(frequencies - 1));
    for (std::int64_t band = 0; band < bands; ++band) {
      const double left = low + width * static_cast<double>(band);
      const double rising = (at - left) / width, falling = (left + 2.0 * width - at) / width;
      values[static_cast<std::size_t>(f * bands + band)] = std::max(0.0, std::min(rising, falling));
    }
  }
  return cast(tensor(values, {frequencies, bands}), dtype);
}

Tensor MelSpectrogram::forward(const Tensor& given, bool) {
  if (given.rank() != 1 && given.rank() != 2) {
    throw Error(label() + ": sounds must have the shape (time,) or (batch, time), got " + given.shape().str());
  }
  const DType dtype = compute_dtype() == DType::float64 ? DType::float64 : DType::float32;
  const Tensor x = cast(given.rank() == 1 ? expand_dims(given, 0) : given, dtype);
  Tensor y = matmul(magnitudes(x), mel_matrix(dtype).to(x.device()));
  if (options_.power_to_db) {
    const double reference = 10.0 * std::log10(std::max(std::abs(options_.ref_power), options_.min_power));
    y = 10.0 * log10(maximum(y, options_.min_power)) - reference;
    y = maximum(y, max(y) - options_.top_db);
  }
  y = cast(transpose(y, {0, 2, 1}), compute_dtype());
  return given.rank() == 1 ? squeeze(y, 0) : y;
}

Shape MelSpectrogram::compute_output_shape(const Shape& input) const {
  const std::int64_t time = input.back();
  const std::int64_t frames =
      time == None ? None : (time + 2 * (options_.fft_length / 2) - options_.fft_length) / options_.sequence_stride + 1;
  return input.rank() == 1 ? Shape{options_.num_mel_bins, frames} : Shape{input[0], options_.num_mel_bins, frames};
}

Config MelSpectrogram::config() const {
  Config config = base_config();
  config["fft_length"] = options_.fft_length;
  config["sequence_stride"] = options_.sequence_stride;
  config["sequence_length"] = options_.sequence_length;
  config["window"] = options_.window.empty() ? Config() : Config(options_.window);
  config["sampling_rate"] = options_.sampling_rate;
  config["num_mel_bins"] = options_.num_mel_bins;
  config["min_freq"] = options_.min_freq;
  config["max_freq"] = options_.max_freq;
  config["power_to_db"] = options_.power_to_db;
  config["top_db"] = options_.top_db;
  config["mag_exp"] = options_.mag_exp;
  config["min_power"] = options_.min_power;
  config["ref_power"] = options_.ref_power;
  return config;
}

}  // namespace nyala
