#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

// Rearranging. https://keras.io/api/ops/numpy/

/// At most one size may be -1. Shares storage.
Tensor reshape(const Tensor& x, const Shape& newshape);
Tensor ravel(const Tensor& x);
Tensor expand_dims(const Tensor& x, int axis);
/// Without an axis all axes of size 1 go.
Tensor squeeze(const Tensor& x, const Axes& axis = {});
/// Axes left out: reversed.
Tensor transpose(const Tensor& x, const std::vector<int>& axes = {});
Tensor swapaxes(const Tensor& x, int axis1, int axis2);
Tensor moveaxis(const Tensor& x, int source, int destination);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
Tensor concatenate(const std::vector<Tensor>& xs, int axis = 0);
Tensor stack(const std::vector<Tensor>& xs, int axis = 0);
std::vector<Tensor> unstack(const Tensor& x, int axis = 0);
/// Equal parts; Error if the axis does not divide.
std::vector<Tensor> split(const Tensor& x, int sections, int axis = 0);
/// Parts that begin at 0 and at each of `indices`.
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& indices, int axis = 0);
struct Padding {
  std::int64_t before = 0, after = 0;
};
/// One Padding for each axis; mode "constant", "reflect", "symmetric" or "edge".
Tensor pad(const Tensor& x, const std::vector<Padding>& pad_width, const std::string& mode = "constant",
           double constant_values = 0.0);
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats);
/// Each element `repeats` times along an axis (default: flattened).
Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<int> axis = {});
Tensor flip(const Tensor& x, const Axes& axis = {});
Tensor roll(const Tensor& x, std::int64_t shift, std::optional<int> axis = {});
Tensor diag(const Tensor& x, int k = 0);
Tensor diagonal(const Tensor& x, int offset = 0, int axis1 = 0, int axis2 = 1);
Tensor tril(const Tensor& x, int k = 0);
Tensor triu(const Tensor& x, int k = 0);

}  // namespace nyala
