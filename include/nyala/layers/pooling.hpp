#pragma once

#include <nyala/layer.hpp>
#include <nyala/ops/nn.hpp>

namespace nyala {

/// Options of the pooling layers; strides left out: pool_size.
template <std::size_t N>
struct PoolingOptions {
  Dims<N> strides = {};
  std::string padding = "valid", data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// What layers that pool windows of one size share.
template <class Self, std::size_t N>
class WindowPooling : public LayerOf<Self> {
 public:
  static Self from_config(const Config& config);

  Shape compute_output_shape(const Shape& input) const override;
  /// Self::kind with its dimensions: "MaxPooling2D".
  std::string class_name() const override;
  KerasForm keras_form() const override;
  Config config() const override;

 protected:
  WindowPooling(Dims<N> pool_size, PoolingOptions<N> options);

  Dims<N> pool_size_;
  PoolingOptions<N> options_;
  std::vector<std::int64_t> window_;  // of the operation, and its arguments
  PoolArguments arguments_;
};

/// The greatest cell of each window; cells that "same" padding adds do not count.
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class MaxPooling : public WindowPooling<MaxPooling<N>, N> {
 public:
  static constexpr const char* kind = "MaxPooling";
  explicit MaxPooling(Dims<N> pool_size = 2, PoolingOptions<N> options = {});

  Tensor forward(const Tensor& x, bool training) override;
};
using MaxPooling1D = MaxPooling<1>;
using MaxPooling2D = MaxPooling<2>;
using MaxPooling3D = MaxPooling<3>;

/// The mean of each window; cells that "same" padding adds do not count. https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class AveragePooling : public WindowPooling<AveragePooling<N>, N> {
 public:
  static constexpr const char* kind = "AveragePooling";
  explicit AveragePooling(Dims<N> pool_size = 2, PoolingOptions<N> options = {});

  Tensor forward(const Tensor& x, bool training) override;
};
using AveragePooling1D = AveragePooling<1>;
using AveragePooling2D = AveragePooling<2>;
using AveragePooling3D = AveragePooling<3>;

struct GlobalPoolingOptions {
  std::string data_format = {};
  bool keepdims = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// What layers that pool all spatial axes share.
template <class Self, std::size_t N>
class GlobalPooling : public LayerOf<Self> {
 public:
  static Self from_config(const Config& config);

  Shape compute_output_shape(const Shape& input) const override;
  /// Self::kind with its dimensions: "GlobalMaxPooling2D".
  std::string class_name() const override;
  KerasForm keras_form() const override;
  Config config() const override;

 protected:
  GlobalPooling(GlobalPoolingOptions options);
  Axes spatial_axes() const;

  GlobalPoolingOptions options_;
};

/// The greatest value over all spatial axes. https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class GlobalMaxPooling : public GlobalPooling<GlobalMaxPooling<N>, N> {
 public:
  static constexpr const char* kind = "GlobalMaxPooling";
  explicit GlobalMaxPooling(GlobalPoolingOptions options = {});

  Tensor forward(const Tensor& x, bool training) override;
};
using GlobalMaxPooling1D = GlobalMaxPooling<1>;
using GlobalMaxPooling2D = GlobalMaxPooling<2>;
using GlobalMaxPooling3D = GlobalMaxPooling<3>;

/// The mean over all spatial axes; in one dimension masked steps do not count.
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class GlobalAveragePooling : public GlobalPooling<GlobalAveragePooling<N>, N> {
 public:
  static constexpr const char* kind = "GlobalAveragePooling";
  explicit GlobalAveragePooling(GlobalPoolingOptions options = {});

  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Tensor forward(const Tensor& x, bool training) override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override;
  KerasForm keras_form() const override;
};
using GlobalAveragePooling1D = GlobalAveragePooling<1>;
using GlobalAveragePooling2D = GlobalAveragePooling<2>;
using GlobalAveragePooling3D = GlobalAveragePooling<3>;

struct AdaptivePoolingOptions {
  std::string data_format = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The mean of each of output_size windows that cover the spatial axes evenly: window i of n over a length l runs from
/// floor(i l / n) to ceil((i + 1) l / n).
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class AdaptiveAveragePooling : public LayerOf<AdaptiveAveragePooling<N>> {
 public:
  explicit AdaptiveAveragePooling(Dims<N> output_size, AdaptivePoolingOptions options = {});
  static AdaptiveAveragePooling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  Dims<N> output_size_;
  AdaptivePoolingOptions options_;
};
using AdaptiveAveragePooling1D = AdaptiveAveragePooling<1>;
using AdaptiveAveragePooling2D = AdaptiveAveragePooling<2>;
using AdaptiveAveragePooling3D = AdaptiveAveragePooling<3>;

/// The greatest cell of each of output_size windows, placed as AdaptiveAveragePooling places them.
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class AdaptiveMaxPooling : public LayerOf<AdaptiveMaxPooling<N>> {
 public:
  explicit AdaptiveMaxPooling(Dims<N> output_size, AdaptivePoolingOptions options = {});
  static AdaptiveMaxPooling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  Dims<N> output_size_;
  AdaptivePoolingOptions options_;
};
using AdaptiveMaxPooling1D = AdaptiveMaxPooling<1>;
using AdaptiveMaxPooling2D = AdaptiveMaxPooling<2>;
using AdaptiveMaxPooling3D = AdaptiveMaxPooling<3>;

}  // namespace nyala
