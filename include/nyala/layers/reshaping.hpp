#pragma once

#include <nyala/layer.hpp>

namespace nyala {

struct FlattenOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// (batch, …) -> (batch, features). Channels first are moved last before.
/// https://keras.io/api/layers/reshaping_layers/flatten/
class Flatten : public LayerOf<Flatten> {
 public:
  explicit Flatten(FlattenOptions options = {});
  static Flatten from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Flatten"; }
  Config config() const override;

 private:
  std::string data_format_;
};

/// (batch, …) -> (batch, target_shape); one size may be -1. https://keras.io/api/layers/reshaping_layers/reshape/
class Reshape : public LayerOf<Reshape> {
 public:
  explicit Reshape(const Shape& target_shape, BaseOptions options = {});
  static Reshape from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Reshape"; }
  KerasForm keras_form() const override { return {.built_when_made = true}; }
  Config config() const override;

 private:
  Shape target_;
};

/// Axes in the order `dims`, counted from 1 without the batch axis.
/// https://keras.io/api/layers/reshaping_layers/permute/
class Permute : public LayerOf<Permute> {
 public:
  explicit Permute(const std::vector<int>& dims, BaseOptions options = {});
  static Permute from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "Permute"; }
  Config config() const override;

 private:
  std::vector<int> dims_;
};

/// (batch, features) -> (batch, n, features). https://keras.io/api/layers/reshaping_layers/repeat_vector/
class RepeatVector : public LayerOf<RepeatVector> {
 public:
  explicit RepeatVector(int n, BaseOptions options = {});
  static RepeatVector from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "RepeatVector"; }
  Config config() const override;

 private:
  int n_;
};

/// Each time step `size` times. https://keras.io/api/layers/reshaping_layers/up_sampling1d/
class UpSampling1D : public LayerOf<UpSampling1D> {
 public:
  explicit UpSampling1D(int size = 2, BaseOptions options = {});
  static UpSampling1D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "UpSampling1D"; }
  Config config() const override;

 private:
  int size_;
};

struct UpSampling2DOptions {
  std::string data_format = {}, interpolation = "nearest";
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Each cell `size` times; interpolation "nearest", "bilinear" or "bicubic".
/// https://keras.io/api/layers/reshaping_layers/up_sampling2d/
class UpSampling2D : public LayerOf<UpSampling2D> {
 public:
  explicit UpSampling2D(Dims<2> size = 2, UpSampling2DOptions options = {});
  static UpSampling2D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "UpSampling2D"; }
  Config config() const override;

 private:
  Dims<2> size_;
  UpSampling2DOptions options_;
  bool counts_from_corners_ = false;  // Keras' own meaning of "bilinear" up to 2.3, which files of then keep
};

struct UpSampling3DOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Each cell `size` times. https://keras.io/api/layers/reshaping_layers/up_sampling3d/
class UpSampling3D : public LayerOf<UpSampling3D> {
 public:
  explicit UpSampling3D(Dims<3> size = 2, UpSampling3DOptions options = {});
  static UpSampling3D from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override { return "UpSampling3D"; }
  Config config() const override;

 private:
  Dims<3> size_;
  std::string data_format_;
};

}  // namespace nyala
