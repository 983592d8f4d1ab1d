#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <xtensor/xtensor_forward.hpp>

#include <nyala/device.hpp>
#include <nyala/dtype.hpp>
#include <nyala/shape.hpp>

namespace xt {
template <class D>
class xexpression;
template <class CP, class O, class A>
class xbuffer_adaptor;
struct no_ownership;
}  // namespace xt

namespace nyala {

namespace autograd {
struct Node;
}

namespace detail {
struct Storage;

/// What a Tensor points to; here only so that asking for a shape costs no call.
struct TensorImpl {
  Shape shape;
  DType dtype = DType::float32;
  bool weak = false;
  int output = 0;           // which output of `node` this is
  double weak_value = 0.0;  // a weak scalar in full precision
  std::size_t offset = 0;   // bytes into the storage
  std::shared_ptr<Storage> storage;
  std::shared_ptr<autograd::Node> node;  // null: nothing recorded leads here
  std::shared_ptr<TensorImpl> mask;
};

/// Throws the Error that says that `where` was given a null tensor.
[[noreturn]] void fail_undefined(const char* where);

template <class D>
void match(const xt::xexpression<D>&);
}  // namespace detail

/// Any xtensor array, view or unevaluated expression of numbers.
template <class E>
concept XtensorExpression =
    requires(const E& e) { detail::match(e); } && std::is_arithmetic_v<std::remove_cv_t<typename E::value_type>>;

template <class S>
concept Scalar = std::is_arithmetic_v<S>;

/// What makes an Index: a whole number, a slice, a tensor, ....
template <class I>
concept IndexLike = std::integral<I> || std::is_class_v<I>;

class Index;

/// An n-dimensional array: shape, dtype, device, and contiguous row-major storage that copies, reshapes and
/// leading-axis slices share. A default-made tensor is null (`defined()` is false): Python's None.
///
/// Every way in is a constructor of one argument, so that `{a, b}` can only mean a list of tensors; nested lists,
/// vectors and spans go through the factory `tensor(...)`.
class Tensor {
 public:
  Tensor() = default;
  /// A scalar. As in Keras it is weakly typed: in `x * 2.0` the dtype of x wins. By itself it is bool, int32 (int64 if
  /// it does not fit) or float32.
  template <Scalar S>
  Tensor(S scalar) : Tensor(of_scalar(scalar)) {}
  /// A copy in the CPU's memory, whatever the default device: fit, predict and layers take it from there.
  template <XtensorExpression E>
  Tensor(const E& e)
      : Tensor(empty(Shape(e.shape().begin(), e.shape().end()), dtype_of<std::remove_cv_t<typename E::value_type>>(),
                     Device())) {
    auto* out = data<std::remove_cv_t<typename E::value_type>>();
    const auto last = e.template end<xt::layout_type::row_major>();
    for (auto it = e.template begin<xt::layout_type::row_major>(); it != last; ++it) *out++ = *it;
  }
  /// A copy as an xtensor array. Throws Error unless T is this tensor's element type or a wider one.
  template <class T>
  operator xt::xarray<T>() const {
    auto array = xt::xarray<T>::from_shape(std::vector<std::size_t>(shape().begin(), shape().end()));
    copy_to(array.data(), dtype_of<T>());
    return array;
  }

  /// Uninitialised storage on a device (default: the default device).
  static Tensor empty(const Shape& shape, DType dtype = floatx());
  static Tensor empty(const Shape& shape, DType dtype, const Device& device);

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const { return of("Tensor::shape").shape; }
  int rank() const { return shape().rank(); }
  /// Number of elements.
  std::int64_t size() const {
    std::int64_t product = 1;
    for (const std::int64_t size : shape()) product *= size;
    return product;
  }
  std::size_t bytes() const;
  DType dtype() const { return of("Tensor::dtype").dtype; }
  Device device() const;
  /// Whether it was made from a bare number and so gives way in type promotion.
  bool weak() const { return impl_ != nullptr && impl_->weak; }

  /// The only element, converted. Throws Error unless there is exactly one.
  template <class T>
  T item() const {
    if constexpr (std::same_as<T, bool>)
      return item_as_double() != 0.0;
    else if constexpr (std::integral<T>)
      return static_cast<T>(item_as_integer());
    else
      return static_cast<T>(item_as_double());
  }
  /// Direct access to a CPU tensor's elements, which other tensors may share. Throws Error for another element type and
  /// for a tensor on another device: to("cpu") first, or to_vector().
  template <class T>
  T* data() {
    return static_cast<T*>(writable_data(dtype_of<T>()));
  }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(checked_data(dtype_of<T>()));
  }
  /// The first byte of the storage, on whatever device it is. For kernels; others that write take data().
  void* raw_data() const;
  /// All elements, converted to T, in row-major order; a copy.
  template <class T>
  std::vector<T> to_vector() const {
    std::vector<T> values(static_cast<std::size_t>(size()));
    copy_to(values.data(), dtype_of<T>());
    return values;
  }
  std::vector<std::string> to_strings() const;
  /// A zero-copy xtensor view of a CPU tensor; it stays valid while this tensor's storage lives. The program includes
  /// <xtensor/xadapt.hpp>.
  template <class T>
  auto xt() const {
    using Buffer = ::xt::xbuffer_adaptor<T*, ::xt::no_ownership, std::allocator<T>>;
    using View = ::xt::xarray_adaptor<Buffer, ::xt::layout_type::row_major, std::vector<std::size_t>>;
    return View(Buffer(const_cast<Tensor*>(this)->data<T>(), static_cast<std::size_t>(size())),
                std::vector<std::size_t>(shape().begin(), shape().end()));
  }

  /// A part of the leading axis, sharing storage; begin and end may be negative. Not differentiated: see slice().
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  /// NumPy's x[i, 1:3, ..., None]; differentiable. See <nyala/ops/indexing.hpp>.
  template <IndexLike First, IndexLike... Others>
  Tensor operator()(const First& first, const Others&... others) const;
  /// x[i]: the i-th entry of the leading axis; differentiable.
  Tensor operator[](std::int64_t i) const;

  /// A copy with storage of its own; not differentiated.
  Tensor clone() const;
  /// The same values elsewhere; the same tensor if it is there already. Differentiable.
  Tensor to(const Device& device) const;
  /// As NumPy prints arrays, long ones elided.
  std::string str() const;

  /// Keras' mask of this tensor (True: use this step), or a null tensor.
  Tensor mask() const;
  /// This tensor (same storage and gradient) carrying that mask; a null mask removes it.
  Tensor with_mask(const Tensor& mask) const;

  /// Whether both are the same tensor object (not: equal values).
  bool is(const Tensor& other) const { return impl_ == other.impl_; }

  explicit Tensor(std::shared_ptr<detail::TensorImpl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<detail::TensorImpl>& impl() const { return impl_; }

 private:
  const detail::TensorImpl& of(const char* where) const {
    if (impl_ == nullptr) detail::fail_undefined(where);
    return *impl_;
  }
  static Tensor of_integer(std::int64_t value);
  static Tensor of_double(double value);
  template <Scalar S>
  static Tensor of_scalar(S value) {
    if constexpr (std::same_as<std::remove_cv_t<S>, bool>)
      return of_boolean(value);
    else if constexpr (std::integral<S>)
      return of_integer(static_cast<std::int64_t>(value));
    else
      return of_double(static_cast<double>(value));
  }
  static Tensor of_boolean(bool value);
  double item_as_double() const;
  std::int64_t item_as_integer() const;
  void* checked_data(DType wanted) const;
  void* writable_data(DType wanted) const;
  void copy_to(void* out, DType as) const;

  std::shared_ptr<detail::TensorImpl> impl_;
};

std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// One tensor or several: fit's x and y, predict's argument and its result. So predict(x) reads as a Tensor, as an
/// xarray or as a list, and goes into the next model as it is.
class Tensors {
 public:
  Tensors() = default;
  Tensors(std::initializer_list<Tensor> several);
  Tensors(std::vector<Tensor> several);
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, Tensors> && std::convertible_to<T, Tensor>)
  Tensors(T&& one) : first_(std::forward<T>(one)), count_(1) {}
  Tensors(const Tensors&) = default;
  Tensors(Tensors&& other) noexcept
      : first_(std::move(other.first_)), many_(std::move(other.many_)), count_(std::exchange(other.count_, 0)) {}
  Tensors& operator=(const Tensors&) = default;
  Tensors& operator=(Tensors&& other) noexcept {
    first_ = std::move(other.first_);
    many_ = std::move(other.many_);
    count_ = std::exchange(other.count_, 0);
    return *this;
  }
  ~Tensors() = default;
  /// Throws Error unless there is exactly one.
  operator Tensor() const { return only(); }
  template <class T>
  operator xt::xarray<T>() const {
    return only();
  }

  const Tensor& only() const;
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const Tensor& operator[](std::size_t i) const { return begin()[i]; }
  Tensor& operator[](std::size_t i) { return count_ > 1 ? many_[i] : first_; }
  const Tensor& front() const { return only_or_first(); }
  void push_back(Tensor tensor);
  const Tensor* begin() const { return count_ > 1 ? many_.data() : &first_; }
  const Tensor* end() const { return begin() + count_; }
  std::vector<Tensor> vector() const { return {begin(), end()}; }

 private:
  const Tensor& only_or_first() const;
  Tensor first_;              // a single one, which needs no allocation
  std::vector<Tensor> many_;  // or all of several
  std::size_t count_ = 0;
};

/// For tensor(span, shape): uninitialised CPU storage; throws Error unless shape holds `count` elements.
Tensor detail_empty_for(const Shape& shape, DType dtype, std::size_t count);
/// What was filled on the CPU, moved to the default device.
Tensor detail_to_default_device(Tensor filled);

/// A nested list of numbers or of strings: the argument of tensor().
class NestedList {
 public:
  template <Scalar S>
  NestedList(S value)
      : NestedList(static_cast<double>(value), whole(value),
                   std::same_as<S, bool> ? DType::boolean
                   : std::integral<S>    ? DType::int32
                                         : DType::float32) {}
  NestedList(const char* text) : NestedList(std::string(text)) {}
  NestedList(const std::string& text);
  NestedList(std::initializer_list<NestedList> rows);
  NestedList(const NestedList& other);
  ~NestedList();

 private:
  NestedList(double number, std::int64_t integer, DType dtype);
  template <Scalar S>
  static std::int64_t whole(S value) {
    if constexpr (std::integral<S>)
      return static_cast<std::int64_t>(value);
    else
      return 0;
  }
  friend Tensor tensor(const NestedList&);
  friend Tensor tensor(const NestedList&, DType);
  friend struct NestedListReader;
  bool leaf_ = false;
  double number_ = 0.0;
  std::int64_t integer_ = 0;
  DType dtype_ = DType::float32;
  std::string text_;
  std::vector<NestedList> rows_;
};

/// tensor({{1, 2}, {3, 4}}): a tensor on the default device from nested lists of equal lengths; bool, int32, float32 or
/// string after what is in it. Throws Error for ragged lists.
Tensor tensor(const NestedList& values);
Tensor tensor(const NestedList& values, DType dtype);
/// A copy of a vector or span, reshaped to `shape`. Throws Error if the number of elements differs.
template <Scalar T>
Tensor tensor(std::span<const T> values, const Shape& shape) {
  Tensor result = detail_empty_for(shape, dtype_of<T>(), values.size());
  T* out = result.template data<T>();
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return detail_to_default_device(std::move(result));
}
template <Scalar T>
  requires(!std::same_as<T, bool>)
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  return tensor(std::span<const T>(values), shape);
}
template <Scalar T>
  requires(!std::same_as<T, bool>)
Tensor tensor(const std::vector<T>& values) {
  return tensor(std::span<const T>(values), Shape{static_cast<std::int64_t>(values.size())});
}
Tensor detail_of_strings(const std::vector<std::string>& values, const Shape& shape);
// Templates, so that a nested list in braces can only mean NestedList.
template <std::same_as<std::string> S>
Tensor tensor(const std::vector<S>& values, const Shape& shape) {
  return detail_of_strings(values, shape);
}
template <std::same_as<std::string> S>
Tensor tensor(const std::vector<S>& values) {
  return detail_of_strings(values, Shape{static_cast<std::int64_t>(values.size())});
}

}  // namespace nyala
