#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/layer.hpp>

namespace nyala {

// Spectra of sounds. https://keras.io/api/layers/preprocessing_layers/audio_preprocessing/

struct STFTSpectrogramOptions {
  /// "log", "magnitude", "psd", "real", "imag", "angle" or "stft" (real and imaginary parts).
  std::string mode = "log";
  std::int64_t frame_length = 256;
  /// Half a frame by default.
  std::optional<std::int64_t> frame_step = {};
  /// The next power of two by default.
  std::optional<std::int64_t> fft_length = {};
  /// A name of window_values(), or "" (Keras' None).
  std::string window = "hann";
  bool periodic = false;
  /// "density", "spectrum" or "" (Keras' None).
  std::string scaling = "density";
  std::string padding = "valid";
  bool expand_dims = false;
  std::string data_format = {};
  /// Instead of a name: one number per step of a frame.
  std::vector<double> window_values = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Short-time Fourier transform of (batch, time, channels) by convolution with kernels that training may change:
/// (batch, frames, channels * frequencies), or (batch, frames, frequencies, channels) with expand_dims.
class STFTSpectrogram : public LayerOf<STFTSpectrogram> {
 public:
  explicit STFTSpectrogram(STFTSpectrogramOptions options = {});
  static STFTSpectrogram from_config(const Config& config);

  void build(const Shape& input) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "STFTSpectrogram"; }
  Config config() const override;

 private:
  Tensor convolved(const Tensor& x, const Variable& kernel) const;
  Tensor arranged(const Tensor& spectrum) const;
  std::int64_t step() const;
  std::int64_t frequencies() const;

  STFTSpectrogramOptions options_;
  Variable real_kernel_, imag_kernel_;
};

struct MelSpectrogramOptions {
  std::int64_t fft_length = 2048, sequence_stride = 512;
  /// fft_length by default.
  std::optional<std::int64_t> sequence_length = {};
  /// "hann", "hamming" or "" (Keras' None).
  std::string window = "hann";
  double sampling_rate = 16000;
  std::int64_t num_mel_bins = 128;
  double min_freq = 20.0;
  /// Half the sampling rate by default.
  std::optional<double> max_freq = {};
  bool power_to_db = true;
  double top_db = 80.0, mag_exp = 2.0, min_power = 1e-10, ref_power = 1.0;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Spectra of (time,) or (batch, time) on the mel scale, in decibels unless power_to_db is false: (batch, num_mel_bins,
/// frames).
class MelSpectrogram : public LayerOf<MelSpectrogram> {
 public:
  explicit MelSpectrogram(MelSpectrogramOptions options = {});
  static MelSpectrogram from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "MelSpectrogram"; }
  Config config() const override;

 private:
  Tensor magnitudes(const Tensor& x) const;
  Tensor mel_matrix(DType dtype) const;

  MelSpectrogramOptions options_;
};

}  // namespace nyala
