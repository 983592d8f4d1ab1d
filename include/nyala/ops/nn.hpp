#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

// Coarse operations of neural networks. https://keras.io/api/ops/nn/
// Spatial arguments hold one number per spatial axis; one number stands for all. padding is "valid", "same" or (1-D
// convolution only) "causal". data_format is "channels_last", "channels_first" or "" (the global one).

/// Activations that dense() and conv() fuse with their arithmetic. `none` is linear, gelu exact, gelu_tanh its
/// approximation.
enum class FusedActivation { none, relu, sigmoid, tanh, gelu, silu, gelu_tanh };

/// activation(x · kernel + bias) over the last axis of x; kernel (in, units), bias (units,) or null.
Tensor dense(const Tensor& x, const Tensor& kernel, const Tensor& bias = {},
             FusedActivation activation = FusedActivation::none);

struct ConvArguments {
  std::vector<std::int64_t> strides = {1};
  std::string padding = "valid";
  std::string data_format = {};
  std::vector<std::int64_t> dilation_rate = {1};
  FusedActivation activation = FusedActivation::none;
};
/// 1-, 2- or 3-D cross-correlation. kernel (k…, in / groups, filters); the number of groups follows from the shapes.
/// bias (filters,) or null.
Tensor conv(const Tensor& x, const Tensor& kernel, const Tensor& bias = {}, const ConvArguments& arguments = {});
/// kernel (k…, in, depth_multiplier); output channels: in-channel major.
Tensor depthwise_conv(const Tensor& x, const Tensor& kernel, const Tensor& bias = {},
                      const ConvArguments& arguments = {});
Tensor separable_conv(const Tensor& x, const Tensor& depthwise_kernel, const Tensor& pointwise_kernel,
                      const Tensor& bias = {}, const ConvArguments& arguments = {});
/// The input gradient of conv; kernel (k…, filters, in). output_padding: none (empty), one number, or one per axis.
Tensor conv_transpose(const Tensor& x, const Tensor& kernel, const Tensor& bias = {},
                      const ConvArguments& arguments = {}, const std::vector<std::int64_t>& output_padding = {});

struct PoolArguments {
  std::vector<std::int64_t> strides = {};  // empty: pool_size
  std::string padding = "valid";
  std::string data_format = {};
};
Tensor max_pool(const Tensor& x, const std::vector<std::int64_t>& pool_size, const PoolArguments& arguments = {});
/// Windows at the edge average the cells that are there.
Tensor average_pool(const Tensor& x, const std::vector<std::int64_t>& pool_size, const PoolArguments& arguments = {});

struct BatchNormResult {
  Tensor y, mean, variance;  // of the batch (population variance), float32 at least
};
/// Training: normalises by the batch's statistics over all axes but `axis`. gamma, beta (channels,) or null; mask
/// (shape of x without its last axis) or null leaves positions out of the statistics.
BatchNormResult batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, int axis, double epsilon,
                                 const Tensor& mask = {});
/// Inference: by the given statistics. Differentiable in x, gamma, beta, mean and variance.
Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, int axis,
                           const Tensor& beta = {}, const Tensor& gamma = {}, double epsilon = 1e-3);
/// Over `axis` (any set of axes); gamma, beta of those axes' sizes, or null.
Tensor layer_normalization(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {}, const Axes& axis = -1,
                           double epsilon = 1e-7);
/// Channels of `axis` in `groups` equal groups, normalised over the group and all other axes but the first.
Tensor group_normalization(const Tensor& x, const Tensor& gamma, const Tensor& beta, int groups, int axis = -1,
                           double epsilon = 1e-3);
Tensor rms_normalization(const Tensor& x, const Tensor& scale = {}, const Axes& axis = -1, double epsilon = 1e-7);

/// target and output: probabilities (or logits) along `axis`; one loss per remaining position. The gradient with
/// respect to the target flows too.
Tensor categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false, int axis = -1);
/// target: class numbers. A class outside [0, classes) is an Error.
Tensor sparse_categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false,
                                       int axis = -1);
/// Elementwise.
Tensor binary_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false);

/// Attention softmax(q kᵀ * scale + mask) v for (batch, time, heads, dim) operands. mask: bool, True: may attend;
/// broadcast to (batch, heads, query time, key time); masked scores count as -1e9. scale: default 1/sqrt(dim).
/// https://keras.io/api/ops/nn/#dot_product_attention
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& bias = {},
                             const Tensor& mask = {}, std::optional<double> scale = {}, bool is_causal = false);

/// Keras' interpolation (half-pixel centres): "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
Tensor resize(const Tensor& images, const std::array<std::int64_t, 2>& size,
              const std::string& interpolation = "bilinear", const std::string& data_format = {});
/// Each spatial cell `size` times (UpSampling's "nearest").
Tensor upsample(const Tensor& x, const std::vector<std::int64_t>& size, const std::string& data_format = {});

}  // namespace nyala
