#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

/// Python's start:stop:step; what is left out is Python's default.
struct Slice {
  std::optional<std::int64_t> start = {}, stop = {}, step = {};
};

/// One entry between the brackets of x[…]: a number, a Slice, `ellipsis`, `newaxis` (Python's None), or an integer or
/// boolean tensor.
class Index {
 public:
  enum class Kind { integer, slice, ellipsis, newaxis, tensor };
  struct Ellipsis {};
  struct NewAxis {};

  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Index(I at) : kind_(Kind::integer), at_(static_cast<std::int64_t>(at)) {}
  Index(Slice slice) : kind_(Kind::slice), slice_(slice) {}
  Index(Ellipsis) : kind_(Kind::ellipsis) {}
  Index(NewAxis) : kind_(Kind::newaxis) {}
  Index(const Tensor& indices) : kind_(Kind::tensor), tensor_(indices) {}

  Kind kind() const { return kind_; }
  std::int64_t at() const { return at_; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  std::int64_t at_ = 0;
  Slice slice_;
  Tensor tensor_;
};

inline constexpr Index::Ellipsis ellipsis{};
inline constexpr Index::NewAxis newaxis{};

/// x[indices] as NumPy reads it; tensors among the indices broadcast together.
/// An integer out of range is an Error; slices are cut to the axis.
Tensor index(const Tensor& x, const std::vector<Index>& indices);
/// The block of `shape` that begins at start_indices.
Tensor slice(const Tensor& x, const std::vector<std::int64_t>& start_indices, const Shape& shape);
/// x with that block replaced.
Tensor slice_update(const Tensor& x, const std::vector<std::int64_t>& start_indices, const Tensor& updates);
/// Rows picked along an axis; indices of any shape. Negative indices count from the end; others out of range are an
/// Error. Without an axis: of the flattened tensor.
Tensor take(const Tensor& x, const Tensor& indices, std::optional<int> axis = {});
/// One element per position, indices and x broadcasting against each other but for `axis`.
Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int> axis = {});
/// An embedding's lookup: take(x, indices, axis), where a negative index is an Error too.
Tensor gather(const Tensor& x, const Tensor& indices, int axis = 0);
/// zeros(shape) to which values are added at indices (…, depth of index); repeated indices add up.
Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape);
/// inputs with the values at indices (n, depth) replaced; the last of repeated ones wins.
Tensor scatter_update(const Tensor& inputs, const Tensor& indices, const Tensor& updates);
/// Sums of rows of data (n, …) by segment number (n,): (num_segments, …).
Tensor segment_sum(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments);
/// Empty segments hold -infinity (integers: the least number). Gradient shared equally among equal maxima.
Tensor segment_max(const Tensor& data, const Tensor& segment_ids, std::int64_t num_segments);
/// One int32 vector of positions per axis.
std::vector<Tensor> nonzero(const Tensor& x);
/// Positions in a sorted vector where values would be inserted. side: "left" or "right".
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, const std::string& side = "left");

template <IndexLike First, IndexLike... Others>
Tensor Tensor::operator()(const First& first, const Others&... others) const {
  return index(*this, {Index(first), Index(others)...});
}

}  // namespace nyala
