#include <nyala/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <nyala/error.hpp>

#include "core/allocator.hpp"
#include "core/device_memory.hpp"
#include "core/half.hpp"
#include "core/pool_allocator.hpp"
#include "core/tensor_impl.hpp"

namespace nyala {

namespace detail {

namespace {

std::shared_ptr<TensorImpl> make_impl() { return std::allocate_shared<TensorImpl>(PoolAllocator<TensorImpl>()); }

std::shared_ptr<Storage> make_storage(std::size_t bytes, const Device& device) {
  return std::allocate_shared<Storage>(PoolAllocator<Storage>(), bytes, device);
}

}  // namespace

Storage::Storage(std::size_t size, const Device& where) : bytes(size), device(where) {
  data = where.kind() == Device::Kind::cpu ? allocate(bytes) : device_memory(where).allocate(bytes);
}

Storage::Storage(std::vector<std::string> values) : strings(std::move(values)) {}

Storage::Storage(void* memory, std::size_t size, std::shared_ptr<void> owner)
    : data(memory), bytes(size), keeper(std::move(owner)) {}

Storage::~Storage() {
  if (WeightForms* const known = forms.load(std::memory_order_acquire)) destroy(known);
  if (data == nullptr || keeper != nullptr) return;
  if (device.kind() == Device::Kind::cpu)
    deallocate(data, bytes);
  else
    device_memory(device).deallocate(data, bytes);
}

void fail_undefined(const char* where) {
  throw Error(std::string(where) + ": a tensor that holds nothing (default-made) was given");
}

Tensor view(const Tensor& tensor, std::int64_t first, const Shape& shape) {
  require_defined(tensor, "view");
  const TensorImpl& old = *tensor.impl();
  auto impl = make_impl();
  impl->shape = shape;
  impl->dtype = old.dtype;
  impl->weak = old.weak;
  impl->weak_value = old.weak_value;
  impl->offset = old.offset + static_cast<std::size_t>(first) * size_of(old.dtype);
  impl->storage = old.storage;
  return Tensor(std::move(impl));
}

Tensor alias(const Tensor& tensor, const Shape& shape) { return view(tensor, 0, shape); }

}  // namespace detail

using detail::require_defined;
using detail::TensorImpl;

namespace {

/// Calls f with a value of the C++ type that stands for dtype in conversions.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::boolean: return f(bool{});
    case DType::uint8: return f(std::uint8_t{});
    case DType::uint16: return f(std::uint16_t{});
    case DType::uint32: return f(std::uint32_t{});
    case DType::uint64: return f(std::uint64_t{});
    case DType::int8: return f(std::int8_t{});
    case DType::int16: return f(std::int16_t{});
    case DType::int32: return f(std::int32_t{});
    case DType::int64: return f(std::int64_t{});
    case DType::float16: return f(float16{});
    case DType::bfloat16: return f(bfloat16{});
    case DType::float32: return f(float{});
    case DType::float64: return f(double{});
    case DType::string: throw Error("Tensor: strings have no numeric value");
  }
}

template <class To, class From>
To convert(From value) {
  if constexpr (!std::is_arithmetic_v<From>)
    return convert<To>(static_cast<float>(value));
  else if constexpr (std::same_as<To, bool>)
    return value != From{};
  else
    return static_cast<To>(value);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype) { return empty(shape, dtype, default_device()); }

Tensor Tensor::empty(const Shape& shape, DType dtype, const Device& device) {
  const std::int64_t elements = shape.elements();
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<std::size_t>(elements), std::max<std::size_t>(size_of(dtype), 1), &bytes) ||
      bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Error("Tensor: " + shape.str() + " of " + name_of(dtype) + " is larger than the address space");
  }
  auto impl = detail::make_impl();
  impl->shape = shape;
  impl->dtype = dtype;
  if (dtype == DType::string) {
    impl->storage = std::make_shared<detail::Storage>(std::vector<std::string>(static_cast<std::size_t>(elements)));
  } else {
    impl->storage = detail::make_storage(bytes, device);
  }
  return Tensor(std::move(impl));
}

std::size_t Tensor::bytes() const { return static_cast<std::size_t>(size()) * size_of(dtype()); }

Device Tensor::device() const {
  require_defined(*this, "Tensor::device");
  return impl_->storage->device;
}

void* Tensor::raw_data() const {
  require_defined(*this, "Tensor::raw_data");
  return static_cast<std::byte*>(impl_->storage->data) + impl_->offset;
}

void* Tensor::checked_data(DType wanted) const {
  require_defined(*this, "Tensor::data");
  if (wanted != impl_->dtype) {
    throw Error(std::string("Tensor::data: the tensor holds ") + name_of(impl_->dtype) + ", not " + name_of(wanted) +
                "; cast it first");
  }
  if (impl_->storage->device.kind() != Device::Kind::cpu) {
    throw Error("Tensor::data: the tensor is on " + impl_->storage->device.name() + "; move it first: to(\"cpu\")");
  }
  return raw_data();
}

void* Tensor::writable_data(DType wanted) const {
  void* const data = checked_data(wanted);
  impl_->storage->lent.store(true, std::memory_order_relaxed);
  return data;
}

void Tensor::copy_to(void* out, DType as) const {
  require_defined(*this, "Tensor");
  if (device().kind() != Device::Kind::cpu) return to(Device()).copy_to(out, as);
  if (as == impl_->dtype) {
    if (bytes() > 0) std::memcpy(out, raw_data(), bytes());
    return;
  }
  const auto count = static_cast<std::size_t>(size());
  with_type(impl_->dtype, [&](auto from) {
    with_type(as, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      if constexpr (std::is_arithmetic_v<To>) {
        const From* in = static_cast<const From*>(raw_data());
        std::transform(in, in + count, static_cast<To*>(out), [](From value) { return convert<To>(value); });
      }
    });
  });
}

std::vector<std::string> Tensor::to_strings() const {
  require_defined(*this, "Tensor::to_strings");
  if (dtype() != DType::string) throw Error(std::string("Tensor::to_strings: the tensor holds ") + name_of(dtype()));
  const auto first = impl_->storage->strings.begin() + static_cast<std::ptrdiff_t>(impl_->offset);
  return {first, first + size()};
}

double Tensor::item_as_double() const {
  require_defined(*this, "Tensor::item");
  if (size() != 1) throw Error("Tensor::item: needs exactly one element, the shape is " + shape().str());
  if (impl_->weak) return impl_->weak_value;
  double value = 0.0;
  copy_to(&value, DType::float64);
  return value;
}

std::int64_t Tensor::item_as_integer() const {
  require_defined(*this, "Tensor::item");
  if (is_floating(dtype())) {
    const double value = item_as_double();
    if (!(std::abs(value) < 9.3e18)) throw Error("Tensor::item: " + std::to_string(value) + " is no integer");
    return static_cast<std::int64_t>(value);
  }
  if (size() != 1) throw Error("Tensor::item: needs exactly one element, the shape is " + shape().str());
  std::int64_t value = 0;
  copy_to(&value, DType::int64);
  return value;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  require_defined(*this, "Tensor::rows");
  if (rank() == 0) throw Error("Tensor::rows: a scalar has no rows");
  const std::int64_t count = shape()[0];
  const std::int64_t first = begin < 0 ? begin + count : begin, last = end < 0 ? end + count : end;
  if (first < 0 || last > count || first > last) {
    throw Error("Tensor::rows: [" + std::to_string(begin) + ", " + std::to_string(end) + ") is no part of " +
                std::to_string(count) + " rows");
  }
  Shape part = shape();
  part[0] = last - first;
  const std::int64_t row = count == 0 ? 0 : size() / count;
  if (dtype() != DType::string) return detail::view(*this, first * row, part);
  Tensor result = detail::alias(*this, part);
  result.impl_->offset += static_cast<std::size_t>(first * row);
  return result;
}

Tensor Tensor::clone() const {
  require_defined(*this, "Tensor::clone");
  if (dtype() == DType::string) return tensor(to_strings(), shape());
  Tensor copy = empty(shape(), dtype(), device());
  copy.impl_->weak = impl_->weak;
  copy.impl_->weak_value = impl_->weak_value;
  if (bytes() == 0) return copy;
  if (device().kind() == Device::Kind::cpu)
    std::memcpy(copy.raw_data(), raw_data(), bytes());
  else
    detail::device_memory(device()).copy(copy.raw_data(), raw_data(), bytes());
  return copy;
}

Tensor Tensor::mask() const { return impl_ == nullptr ? Tensor() : Tensor(impl_->mask); }

Tensor Tensor::with_mask(const Tensor& mask) const {
  if (!defined() || impl_->mask == mask.impl()) return *this;
  auto impl = std::allocate_shared<TensorImpl>(detail::PoolAllocator<TensorImpl>(), *impl_);
  impl->mask = mask.impl();
  return Tensor(std::move(impl));
}

Tensor Tensor::of_boolean(bool value) {
  Tensor scalar = empty({}, DType::boolean, Device());
  *static_cast<bool*>(scalar.raw_data()) = value;
  scalar.impl_->weak = true;
  scalar.impl_->weak_value = value ? 1.0 : 0.0;
  return scalar;
}

Tensor Tensor::of_integer(std::int64_t value) {
  const bool narrow =
      value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max();
  Tensor scalar = empty({}, narrow ? DType::int32 : DType::int64, Device());
  if (narrow)
    *static_cast<std::int32_t*>(scalar.raw_data()) = static_cast<std::int32_t>(value);
  else
    *static_cast<std::int64_t*>(scalar.raw_data()) = value;
  scalar.impl_->weak = true;
  scalar.impl_->weak_value = static_cast<double>(value);
  return scalar;
}

Tensor Tensor::of_double(double value) {
  const DType dtype = floatx() == DType::float64 ? DType::float64 : DType::float32;
  Tensor scalar = empty({}, dtype, Device());
  if (dtype == DType::float64)
    *static_cast<double*>(scalar.raw_data()) = value;
  else
    *static_cast<float*>(scalar.raw_data()) = static_cast<float>(value);
  scalar.impl_->weak = true;
  scalar.impl_->weak_value = value;
  return scalar;
}

Tensor detail_empty_for(const Shape& shape, DType dtype, std::size_t count) {
  if (static_cast<std::size_t>(shape.elements()) != count) {
    throw Error("tensor: " + std::to_string(count) + " values do not fill the shape " + shape.str());
  }
  return Tensor::empty(shape, dtype, Device());
}

Tensor detail_to_default_device(Tensor filled) {
  const Device device = default_device();
  return device.kind() == Device::Kind::cpu ? filled : filled.to(device);
}

Tensors::Tensors(std::initializer_list<Tensor> several) : count_(several.size()) {
  if (count_ == 1)
    first_ = *several.begin();
  else
    many_ = several;
}

Tensors::Tensors(std::vector<Tensor> several) : count_(several.size()) {
  if (count_ == 1)
    first_ = std::move(several.front());
  else
    many_ = std::move(several);
}

void Tensors::push_back(Tensor tensor) {
  if (count_ == 0) {
    first_ = std::move(tensor);
  } else {
    if (count_ == 1) {
      many_.clear();
      many_.reserve(2);
      many_.push_back(std::move(first_));
    }
    many_.push_back(std::move(tensor));
  }
  ++count_;
}

const Tensor& Tensors::only() const {
  if (count_ != 1) throw Error("Tensors: one tensor was expected, there are " + std::to_string(count_));
  return first_;
}

const Tensor& Tensors::only_or_first() const {
  if (count_ == 0) throw Error("Tensors: there is no first tensor, the list is empty");
  return *begin();
}

}  // namespace nyala
