#pragma once

#include <optional>
#include <string>

#include <nyala/config.hpp>
#include <nyala/ops.hpp>

// How Keras stores quantized numbers, and how they become numbers again.

namespace nyala::quantization {

enum class Mode : unsigned char { int8, int4, float8, gptq, awq };

/// What a quantized policy says: "int4/128" is mode int4 in groups of 128.
struct Scheme {
  Mode mode = Mode::int8;
  int bits = 8;
  std::optional<int> group = {};  // none: one scale for a whole channel
  int history = 1024;             // of float8's largest values

  bool packed() const { return mode == Mode::int4 || (mode != Mode::float8 && bits == 4); }
  std::int64_t groups(std::int64_t size) const { return group ? (size + *group - 1) / *group : 1; }
};
/// Throws Error for what Keras does not write.
Scheme scheme_of(const Config& policy);

/// Keras' AbsMaxQuantizer, which brings inputs to whole numbers.
struct InputQuantizer {
  double low = -127.0, high = 127.0, epsilon = 1e-7;

  struct Result {
    Tensor values, scale;  // values = round(x · scale)
  };
  /// One scale along the axes.
  Result operator()(const Tensor& x, const Axes& axes) const;
};
/// None where inputs stay as they are.
std::optional<InputQuantizer> input_quantizer_of(const Config& quantization_config, Mode mode);

/// Two numbers of 4 bits in each byte, the low ones first, along the axis; `size`: how many there are.
Tensor unpacked(const Tensor& bytes, int axis, std::int64_t size, bool with_sign);
/// (values - zero) · scale, where `groups` tells each place along the axis its row of scale and zero.
Tensor from_groups(const Tensor& values, const Tensor& scale, const Tensor& zero, const Tensor& groups, int axis);
/// What a float8 (e4m3) of x / scale keeps, times scale.
Tensor through_float8(const Tensor& x, const Tensor& scale);

}  // namespace nyala::quantization
