#pragma once

#include <cstdint>
#include <span>
#include <sstream>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/tensor.hpp>

#include "autograd/node.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/kernels.hpp"
#include "core/tensor_impl.hpp"

// What every family of operations needs before it calls a kernel: refusals, promotion and broadcasting.

namespace nyala::ops {

using backend::is_half;

/// Throws Error with the parts written one after the other.
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(text.str());
}

/// Throws Error for a null tensor and for one of strings, naming the operation.
void require_numbers(const Tensor& x, const char* op);
/// An axis in [0, rank); negative ones count from the end. Throws Error otherwise.
int normalized_axis(int axis, int rank, const char* op);

/// NumPy's broadcast of two shapes. Throws Error naming the operation and both.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);
/// Whether x of shape `from` fits into `to` by broadcasting.
bool broadcasts_to(const Shape& from, const Shape& to);
/// The adjoint of broadcasting: the gradient summed over the axes that broadcasting from `shape` added or stretched.
Tensor reduce_to(const Tensor& gradient, const Shape& shape);
/// `shape` with the given (normalised) axes set to 1.
Shape keepdims_shape(const Shape& shape, std::span<const int> axes);

/// The dtype in which two operands are computed: Keras' lattice, where bare numbers give way.
DType promoted_dtype(const Tensor& a, const Tensor& b);
DType promoted_dtype(const std::vector<Tensor>& tensors);
/// dtype itself if it is floating, else floatx.
inline DType floating(DType dtype) { return is_floating(dtype) ? dtype : floatx(); }
/// In which sums of such elements are formed: small integers and bool widen to 32 bits, as in Keras.
DType sum_dtype(DType dtype);
/// x in that dtype and on the device of `beside`; a bare number keeps its full precision and must fit.
Tensor as_dtype(const Tensor& x, DType dtype, const Tensor& beside, const char* op);

/// A 0-d tensor of that value beside x: of its dtype, on its device.
Tensor scalar_like(const Tensor& x, double value);
inline Tensor empty_like(const Tensor& x) { return Tensor::empty(x.shape(), x.dtype(), x.device()); }
Tensor filled(const Shape& shape, DType dtype, const Device& device, double value);
inline Tensor zeros_for(const Tensor& x, const Shape& shape) { return filled(shape, x.dtype(), x.device(), 0.0); }

/// x if the gradient of `other` is wanted, else null: what an operation keeps for other's gradient.
inline Tensor kept_for(const Tensor& other, const Tensor& x) { return autograd::tracked(other) ? x : Tensor(); }

/// Two operands promoted to one dtype, with the shape that they broadcast to. Costs nothing where they agree already.
class Operands {
 public:
  Operands(const Tensor& x1, const Tensor& x2, const char* op);
  /// In at least floating point.
  struct Floating {};
  Operands(const Tensor& x1, const Tensor& x2, const char* op, Floating);
  Operands(const Tensor& x1, const Tensor& x2, const char* op, DType dtype);
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;

  const Tensor& a() const { return *a_; }
  const Tensor& b() const { return *b_; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return a_->dtype(); }
  bool recorded() const { return autograd::recording(*a_, *b_); }

 private:
  void promote(DType dtype, const char* op);

  const Tensor *a_, *b_;
  Tensor held_a_, held_b_;
  Shape shape_;
};

/// x[i…] read at offset + Σ i·strides (elements of the contiguous x; 0 repeats, negative reverses): every view of NumPy
/// as a differentiable copy, or sharing storage where the elements follow one another.
Tensor strided(const Tensor& x, std::int64_t offset, std::span<const std::int64_t> strides, const Shape& shape,
               const char* op);
/// The adjoint: zeros of `shape` to which values are added at those places.
Tensor strided_scatter(const Tensor& values, std::int64_t offset, std::span<const std::int64_t> strides,
                       const Shape& shape, const char* op);
/// Elements between neighbours along each axis of a contiguous tensor.
std::vector<std::int64_t> row_major_strides(const Shape& shape);

/// cumsum in either direction; each is the other's adjoint.
Tensor cumulative_sum(const Tensor& x, int axis, bool reverse);
/// Zeros of x's shape but `size` along `axis`, values added where the indices say: the adjoint of take_along_axis.
Tensor put_along_axis(const Tensor& indices, const Tensor& values, int axis, std::int64_t size);
/// int32 or int64 indices in [0, size), negative ones counted from the end. Throws Error naming the first one that is
/// out of range.
Tensor checked_indices(const Tensor& indices, std::int64_t size, const char* op);
/// Integers of a GPU clipped to [0, size); where that changes one, the next read from the GPU throws Error(message +
/// size): to look at them now would wait for it.
Tensor within(const Tensor& indices, std::int64_t size, const std::string& message);

}  // namespace nyala::ops
