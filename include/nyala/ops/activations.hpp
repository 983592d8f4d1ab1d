#pragma once

#include <optional>

#include <nyala/tensor.hpp>

namespace nyala {

// Activation functions, elementwise but for softmax and its kin. https://keras.io/api/layers/activations/

/// x above threshold (cut at max_value), else negative_slope * (x - threshold).
Tensor relu(const Tensor& x, double negative_slope = 0.0, std::optional<double> max_value = {}, double threshold = 0.0);
Tensor relu6(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.2);
Tensor elu(const Tensor& x, double alpha = 1.0);
Tensor selu(const Tensor& x);
Tensor celu(const Tensor& x, double alpha = 1.0);
/// approximate: the tanh form. (Keras: the activation "gelu" is exact, ops.gelu approximate; here exact is the
/// default.)
Tensor gelu(const Tensor& x, bool approximate = false);
Tensor sigmoid(const Tensor& x);
Tensor log_sigmoid(const Tensor& x);
Tensor hard_sigmoid(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor swish(const Tensor& x);
Tensor hard_silu(const Tensor& x);
Tensor hard_swish(const Tensor& x);
Tensor softplus(const Tensor& x);
Tensor softsign(const Tensor& x);
Tensor mish(const Tensor& x);
Tensor hard_tanh(const Tensor& x);
Tensor tanh_shrink(const Tensor& x);
Tensor soft_shrink(const Tensor& x, double threshold = 0.5);
Tensor hard_shrink(const Tensor& x, double threshold = 0.5);
Tensor squareplus(const Tensor& x, double b = 4.0);
Tensor sparse_plus(const Tensor& x);
Tensor sparse_sigmoid(const Tensor& x);
Tensor threshold(const Tensor& x, double threshold, double default_value);
Tensor exponential(const Tensor& x);
Tensor linear(const Tensor& x);
/// First half along `axis` times the sigmoid of the second half.
Tensor glu(const Tensor& x, int axis = -1);
/// Sums to 1 along the axes.
Tensor softmax(const Tensor& x, const Axes& axis = -1);
Tensor log_softmax(const Tensor& x, const Axes& axis = -1);
Tensor sparsemax(const Tensor& x, int axis = -1);

}  // namespace nyala
