#pragma once

#include <array>
#include <concepts>

#include <nyala/layer.hpp>

namespace nyala {

/// Cells before and after each of N spatial axes: `1`, `{1, 2}` (for N = 1: before and after; else one number per
/// axis), or
/// `{{1, 2}, {0, 1}}` (before and after, per axis).
template <std::size_t N>
class SpatialPadding {
 public:
  SpatialPadding(int everywhere) { sides_.fill({everywhere, everywhere}); }
  SpatialPadding(int before, int after)
    requires(N == 1)
      : sides_{{{before, after}}} {}
  template <std::convertible_to<int>... I>
    requires(N > 1 && sizeof...(I) == N)
  SpatialPadding(I... each) : sides_{{{each, each}...}} {}
  SpatialPadding(Padding first, Padding second)
    requires(N == 2)
      : sides_{{first, second}} {}
  SpatialPadding(Padding first, Padding second, Padding third)
    requires(N == 3)
      : sides_{{first, second, third}} {}
  explicit SpatialPadding(const std::array<Padding, N>& sides) : sides_(sides) {}

  const std::array<Padding, N>& sides() const { return sides_; }

 private:
  std::array<Padding, N> sides_{};
};

struct ZeroPadding1DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Zeros around the spatial axes: one number, a pair (before, after).
/// https://keras.io/api/layers/reshaping_layers/zero_padding1d/
class ZeroPadding1D : public LayerOf<ZeroPadding1D> {
 public:
  explicit ZeroPadding1D(const SpatialPadding<1>& padding = 1, ZeroPadding1DOptions options = {});
  static ZeroPadding1D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "ZeroPadding1D"; }
  Config config() const override;

 private:
  SpatialPadding<1> padding_;
  std::string data_format_;
};

struct ZeroPadding2DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Zeros around the spatial axes: one number, one per axis, or a pair per axis.
/// https://keras.io/api/layers/reshaping_layers/zero_padding2d/
class ZeroPadding2D : public LayerOf<ZeroPadding2D> {
 public:
  explicit ZeroPadding2D(const SpatialPadding<2>& padding = 1, ZeroPadding2DOptions options = {});
  static ZeroPadding2D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "ZeroPadding2D"; }
  Config config() const override;

 private:
  SpatialPadding<2> padding_;
  std::string data_format_;
};

struct ZeroPadding3DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Zeros around the spatial axes: one number, one per axis, or a pair per axis.
/// https://keras.io/api/layers/reshaping_layers/zero_padding3d/
class ZeroPadding3D : public LayerOf<ZeroPadding3D> {
 public:
  explicit ZeroPadding3D(const SpatialPadding<3>& padding = 1, ZeroPadding3DOptions options = {});
  static ZeroPadding3D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "ZeroPadding3D"; }
  Config config() const override;

 private:
  SpatialPadding<3> padding_;
  std::string data_format_;
};

/// Cuts the edges of the spatial axes. https://keras.io/api/layers/reshaping_layers/cropping1d/
class Cropping1D : public LayerOf<Cropping1D> {
 public:
  explicit Cropping1D(const SpatialPadding<1>& cropping = 1, BaseOptions options = {});
  static Cropping1D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Cropping1D"; }
  Config config() const override;

 private:
  SpatialPadding<1> cropping_;
};

struct Cropping2DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Cuts the edges of the spatial axes. https://keras.io/api/layers/reshaping_layers/cropping2d/
class Cropping2D : public LayerOf<Cropping2D> {
 public:
  explicit Cropping2D(const SpatialPadding<2>& cropping = 0, Cropping2DOptions options = {});
  static Cropping2D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Cropping2D"; }
  Config config() const override;

 private:
  SpatialPadding<2> cropping_;
  std::string data_format_;
};

struct Cropping3DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Cuts the edges of the spatial axes. https://keras.io/api/layers/reshaping_layers/cropping3d/
class Cropping3D : public LayerOf<Cropping3D> {
 public:
  explicit Cropping3D(const SpatialPadding<3>& cropping = 1, Cropping3DOptions options = {});
  static Cropping3D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Cropping3D"; }
  Config config() const override;

 private:
  SpatialPadding<3> cropping_;
  std::string data_format_;
};

}  // namespace nyala
