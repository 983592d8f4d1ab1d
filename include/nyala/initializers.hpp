#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nyala/initializer.hpp>

namespace nyala {

// Keras' initializers. https://keras.io/api/layers/initializers/
// A seed gives the same values at every call; without one a seed is drawn when the object is made, so that one object
// repeats itself too.

class Zeros : public Initializer {
 public:
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "Zeros"; }
  static Zeros from_config(const Config&) { return {}; }
};

class Ones : public Initializer {
 public:
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "Ones"; }
  static Ones from_config(const Config&) { return {}; }
};

class Constant : public Initializer {
 public:
  explicit Constant(double value = 0.0) : value_(value) {}
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "Constant"; }
  Config config() const override;
  static Constant from_config(const Config& config) { return Constant(config.get("value", 0.0)); }

 private:
  double value_;
};

namespace initializers {
/// gain times the identity matrix; of matrices only. (The layer of this name is nyala::Identity.)
class Identity : public Initializer {
 public:
  explicit Identity(double gain = 1.0) : gain_(gain) {}
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "Identity"; }
  Config config() const override;
  static Identity from_config(const Config& config) { return Identity(config.get("gain", 1.0)); }

 private:
  double gain_;
};
}  // namespace initializers

/// What random initializers share: the seed.
class RandomInitializer : public Initializer {
 public:
  Config config() const override;

 protected:
  explicit RandomInitializer(std::optional<std::int64_t> seed);

  std::optional<std::int64_t> seed_;
  std::uint64_t drawn_seed_, drawn_counter_;
};

struct RandomNormalOptions {
  double mean = 0.0, stddev = 0.05;
  std::optional<std::int64_t> seed = {};
};
class RandomNormal : public RandomInitializer {
 public:
  explicit RandomNormal(RandomNormalOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "RandomNormal"; }
  Config config() const override;
  static RandomNormal from_config(const Config& config);

 private:
  double mean_, stddev_;
};

struct RandomUniformOptions {
  double minval = -0.05, maxval = 0.05;
  std::optional<std::int64_t> seed = {};
};
class RandomUniform : public RandomInitializer {
 public:
  explicit RandomUniform(RandomUniformOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "RandomUniform"; }
  Config config() const override;
  static RandomUniform from_config(const Config& config);

 private:
  double minval_, maxval_;
};

/// Normal; values beyond two standard deviations are drawn again.
class TruncatedNormal : public RandomInitializer {
 public:
  explicit TruncatedNormal(RandomNormalOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "TruncatedNormal"; }
  Config config() const override;
  static TruncatedNormal from_config(const Config& config);

 private:
  double mean_, stddev_;
};

struct VarianceScalingOptions {
  double scale = 1.0;
  /// "fan_in", "fan_out" or "fan_avg"; distribution "truncated_normal", "untruncated_normal" or "uniform".
  std::string mode = "fan_in", distribution = "truncated_normal";
  std::optional<std::int64_t> seed = {};
  /// The axes of input and of output units, for kernels of another layout than Keras' convolutions have.
  std::optional<std::vector<int>> input_axes = {}, output_axes = {};
};
/// Values whose variance is scale / (number of inputs, of outputs, or their mean).
class VarianceScaling : public RandomInitializer {
 public:
  explicit VarianceScaling(VarianceScalingOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "VarianceScaling"; }
  Config config() const override;
  static VarianceScaling from_config(const Config& config);

 protected:
  VarianceScalingOptions options_;
};

struct FanOptions {
  std::optional<std::int64_t> seed = {};
  std::optional<std::vector<int>> input_axes = {}, output_axes = {};
};

/// The members of the VarianceScaling family that have a name: only seed and axes are free.
class NamedVarianceScaling : public VarianceScaling {
 public:
  Config config() const override;

 protected:
  NamedVarianceScaling(double scale, const char* mode, const char* distribution, FanOptions options);
  static FanOptions fan_options(const Config& config);
};

/// Glorot & Bengio 2010.
class GlorotUniform : public NamedVarianceScaling {
 public:
  explicit GlorotUniform(FanOptions options = {}) : NamedVarianceScaling(1.0, "fan_avg", "uniform", options) {}
  std::string class_name() const override { return "GlorotUniform"; }
  static GlorotUniform from_config(const Config& config) { return GlorotUniform(fan_options(config)); }
};
class GlorotNormal : public NamedVarianceScaling {
 public:
  explicit GlorotNormal(FanOptions options = {}) : NamedVarianceScaling(1.0, "fan_avg", "truncated_normal", options) {}
  std::string class_name() const override { return "GlorotNormal"; }
  static GlorotNormal from_config(const Config& config) { return GlorotNormal(fan_options(config)); }
};
/// He et al. 2015.
class HeUniform : public NamedVarianceScaling {
 public:
  explicit HeUniform(FanOptions options = {}) : NamedVarianceScaling(2.0, "fan_in", "uniform", options) {}
  std::string class_name() const override { return "HeUniform"; }
  static HeUniform from_config(const Config& config) { return HeUniform(fan_options(config)); }
};
class HeNormal : public NamedVarianceScaling {
 public:
  explicit HeNormal(FanOptions options = {}) : NamedVarianceScaling(2.0, "fan_in", "truncated_normal", options) {}
  std::string class_name() const override { return "HeNormal"; }
  static HeNormal from_config(const Config& config) { return HeNormal(fan_options(config)); }
};
/// LeCun et al. 1998; Klambauer et al. 2017.
class LecunUniform : public NamedVarianceScaling {
 public:
  explicit LecunUniform(FanOptions options = {}) : NamedVarianceScaling(1.0, "fan_in", "uniform", options) {}
  std::string class_name() const override { return "LecunUniform"; }
  static LecunUniform from_config(const Config& config) { return LecunUniform(fan_options(config)); }
};
class LecunNormal : public NamedVarianceScaling {
 public:
  explicit LecunNormal(FanOptions options = {}) : NamedVarianceScaling(1.0, "fan_in", "truncated_normal", options) {}
  std::string class_name() const override { return "LecunNormal"; }
  static LecunNormal from_config(const Config& config) { return LecunNormal(fan_options(config)); }
};

namespace initializers {
struct STFTOptions {
  /// "real" or "imag".
  std::string side = "real";
  /// A window's name as SciPy has it, or "" (Keras' None).
  std::string window = "hann";
  /// "density", "spectrum" or "" (Keras' None).
  std::string scaling = "density";
  bool periodic = false;
  /// Instead of a name: one number per step.
  std::vector<double> window_values = {};
};
/// Kernels of shape (frame_length, 1, fft_length / 2 + 1) that make a convolution a short-time Fourier transform.
class STFT : public Initializer {
 public:
  explicit STFT(STFTOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "STFT"; }
  Config config() const override;
  static STFT from_config(const Config& config);

 private:
  STFTOptions options_;
};
}  // namespace initializers

/// SciPy's get_window: boxcar, triang, bartlett, cosine, hann, hamming, blackman, nuttall, blackmanharris, flattop,
/// bohman, barthann or parzen. Periodic windows are those of one more step without the last. Error for another name.
std::vector<double> window_values(const std::string& name, std::int64_t size, bool periodic = true);

struct OrthogonalOptions {
  double gain = 1.0;
  std::optional<std::int64_t> seed = {};
};
/// Orthogonal rows or columns (Saxe et al. 2014), of weights of rank 2 or more.
class Orthogonal : public RandomInitializer {
 public:
  explicit Orthogonal(OrthogonalOptions options = {});
  Tensor operator()(const Shape& shape, DType dtype) override;
  std::string class_name() const override { return "Orthogonal"; }
  Config config() const override;
  static Orthogonal from_config(const Config& config);

 private:
  double gain_;
};

}  // namespace nyala
