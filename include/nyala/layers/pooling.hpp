#pragma once

#include <nyala/layer.hpp>

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

/// The greatest cell of each window; cells that "same" padding adds do not count.
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class MaxPooling : public LayerOf<MaxPooling<N>> {
 public:
  explicit MaxPooling(Dims<N> pool_size = 2, PoolingOptions<N> options = {});
  static MaxPooling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  Dims<N> pool_size_;
  PoolingOptions<N> options_;
};
using MaxPooling1D = MaxPooling<1>;
using MaxPooling2D = MaxPooling<2>;
using MaxPooling3D = MaxPooling<3>;

/// The mean of each window; cells that "same" padding adds do not count. https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class AveragePooling : public LayerOf<AveragePooling<N>> {
 public:
  explicit AveragePooling(Dims<N> pool_size = 2, PoolingOptions<N> options = {});
  static AveragePooling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  Dims<N> pool_size_;
  PoolingOptions<N> options_;
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

/// The greatest value over all spatial axes. https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class GlobalMaxPooling : public LayerOf<GlobalMaxPooling<N>> {
 public:
  explicit GlobalMaxPooling(GlobalPoolingOptions options = {});
  static GlobalMaxPooling from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  GlobalPoolingOptions options_;
};
using GlobalMaxPooling1D = GlobalMaxPooling<1>;
using GlobalMaxPooling2D = GlobalMaxPooling<2>;
using GlobalMaxPooling3D = GlobalMaxPooling<3>;

/// The mean over all spatial axes; in one dimension masked steps do not count.
/// https://keras.io/api/layers/pooling_layers/
template <std::size_t N>
class GlobalAveragePooling : public LayerOf<GlobalAveragePooling<N>> {
 public:
  explicit GlobalAveragePooling(GlobalPoolingOptions options = {});
  static GlobalAveragePooling from_config(const Config& config);

  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::vector<Tensor> compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const override;
  bool supports_masking() const override;
  std::string class_name() const override;
  Config config() const override;

 private:
  GlobalPoolingOptions options_;
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
