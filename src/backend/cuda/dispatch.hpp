#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <nyala/tensor.hpp>

#include "backend/common/convert.hpp"
#include "backend/common/dispatch.hpp"
#include "core/half.hpp"

namespace nyala::backend::cuda {

/// In which type an element is computed: float for the 16-bit floats, else its own.
template <class T>
using Wide = std::conditional_t<std::is_arithmetic_v<T>, T, float>;

/// visit_floating with float16 and bfloat16.
template <class F>
void visit_any_floating(DType dtype, const char* kernel, F&& fn) {
  if (dtype == DType::float16) return fn(std::type_identity<float16>());
  if (dtype == DType::bfloat16) return fn(std::type_identity<bfloat16>());
  visit_floating(dtype, kernel, fn);
}

/// visit_arithmetic with float16 and bfloat16.
template <class F>
void visit_any(DType dtype, const char* kernel, F&& fn) {
  if (dtype == DType::float16) return fn(std::type_identity<float16>());
  if (dtype == DType::bfloat16) return fn(std::type_identity<bfloat16>());
  visit_arithmetic(dtype, kernel, fn);
}

/// What the elements of a tensor of the dtype are in memory if they are all `value`; T from visit_bytes.
template <class T, class Value>
T bits_of(DType dtype, Value value) {
  T bits{};
  visit_any(dtype, "fill", [&]<class E>(std::type_identity<E>) {
    if constexpr (sizeof(E) == sizeof(T)) bits = std::bit_cast<T>(convert<E>(value));
  });
  return bits;
}

// Four kernels instead of twelve: a launch takes the dtype along, all its threads branch alike, and the compiler of GPU
// code is spared the rest. Narrow integers are computed in 64 bits: what wraps around there has the same lower bits.

/// fn(std::type_identity<A>) for the type in which elements of the dtype are computed, see Numbers: float for floats of
/// up to 32 bits, or double; Error for all else.
template <class F>
void visit_wide_floating(DType dtype, const char* kernel, F&& fn) {
  if (is_half(dtype)) return fn(std::type_identity<float>());
  visit_floating(dtype, kernel, fn);
}

/// … or std::int64_t for signed integers, std::uint64_t for unsigned ones and bool.
template <class F>
void visit_wide(DType dtype, const char* kernel, F&& fn) {
  switch (dtype) {
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64: return fn(std::type_identity<std::int64_t>());
    case DType::boolean:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64: return fn(std::type_identity<std::uint64_t>());
    default: visit_wide_floating(dtype, kernel, fn);
  }
}

/// Elements of any dtype that visit_wide computes in A.
template <class A>
struct Numbers {
  void* data;
  DType dtype;

  Numbers() = default;
  explicit Numbers(const Tensor& tensor)
      : data(tensor.defined() ? tensor.raw_data() : nullptr),
        dtype(tensor.defined() ? tensor.dtype() : DType::string) {}
  Numbers(void* from, DType of) : data(from), dtype(of) {}

  constexpr A get(std::int64_t i) const {
    if constexpr (std::same_as<A, double>) {
      return at<double>(i);
    } else if constexpr (std::same_as<A, float>) {
      return dtype == DType::float32 ? at<float>(i) : dtype == DType::float16 ? at<float16>(i) : at<bfloat16>(i);
    } else if constexpr (std::is_signed_v<A>) {
      switch (dtype) {
        case DType::int8: return at<std::int8_t>(i);
        case DType::int16: return at<std::int16_t>(i);
        case DType::int32: return at<std::int32_t>(i);
        default: return at<std::int64_t>(i);
      }
    } else {
      switch (dtype) {
        case DType::boolean: return at<bool>(i);
        case DType::uint8: return at<std::uint8_t>(i);
        case DType::uint16: return at<std::uint16_t>(i);
        case DType::uint32: return at<std::uint32_t>(i);
        default: return at<std::uint64_t>(i);
      }
    }
  }
  constexpr void set(std::int64_t i, A value) const {
    if constexpr (std::same_as<A, double>) {
      put<double>(i, value);
    } else if constexpr (std::same_as<A, float>) {
      if (dtype == DType::float32)
        put<float>(i, value);
      else if (dtype == DType::float16)
        put<float16>(i, value);
      else
        put<bfloat16>(i, value);
    } else if (dtype == DType::boolean) {
      put<bool>(i, value);
    } else {
      switch (dtype) {
        case DType::int8:
        case DType::uint8: return put<std::uint8_t>(i, value);
        case DType::int16:
        case DType::uint16: return put<std::uint16_t>(i, value);
        case DType::int32:
        case DType::uint32: return put<std::uint32_t>(i, value);
        default: return put<std::uint64_t>(i, value);
      }
    }
  }

 private:
  template <class T>
  constexpr A at(std::int64_t i) const {
    return convert<A>(static_cast<const T*>(data)[i]);
  }
  template <class T>
  constexpr void put(std::int64_t i, A value) const {
    static_cast<T*>(data)[i] = convert<T>(value);
  }
};

/// Elements of a dtype known at run time, read as A: where one functor for all dtypes is fast enough.
struct Elements {
  const void* data;
  DType dtype;

  template <class A, class T>
  constexpr A at(std::int64_t i) const {
    return convert<A>(static_cast<const T*>(data)[i]);
  }
  template <class A>
  constexpr A get(std::int64_t i) const {
    switch (dtype) {
      case DType::boolean: return at<A, bool>(i);
      case DType::uint8: return at<A, std::uint8_t>(i);
      case DType::uint16: return at<A, std::uint16_t>(i);
      case DType::uint32: return at<A, std::uint32_t>(i);
      case DType::uint64: return at<A, std::uint64_t>(i);
      case DType::int8: return at<A, std::int8_t>(i);
      case DType::int16: return at<A, std::int16_t>(i);
      case DType::int32: return at<A, std::int32_t>(i);
      case DType::int64: return at<A, std::int64_t>(i);
      case DType::float16: return at<A, float16>(i);
      case DType::bfloat16: return at<A, bfloat16>(i);
      case DType::float32: return at<A, float>(i);
      case DType::float64: return at<A, double>(i);
      case DType::string: break;
    }
    return A{};
  }
};

/// The same for results, written from A.
struct Results {
  void* data;
  DType dtype;

  template <class T, class A>
  constexpr void put(std::int64_t i, A value) const {
    static_cast<T*>(data)[i] = convert<T>(value);
  }
  template <class A>
  constexpr void set(std::int64_t i, A value) const {
    switch (dtype) {
      case DType::boolean: return put<bool>(i, value);
      case DType::uint8: return put<std::uint8_t>(i, value);
      case DType::uint16: return put<std::uint16_t>(i, value);
      case DType::uint32: return put<std::uint32_t>(i, value);
      case DType::uint64: return put<std::uint64_t>(i, value);
      case DType::int8: return put<std::int8_t>(i, value);
      case DType::int16: return put<std::int16_t>(i, value);
      case DType::int32: return put<std::int32_t>(i, value);
      case DType::int64: return put<std::int64_t>(i, value);
      case DType::float16: return put<float16>(i, value);
      case DType::bfloat16: return put<bfloat16>(i, value);
      case DType::float32: return put<float>(i, value);
      case DType::float64: return put<double>(i, value);
      case DType::string: break;
    }
  }
};

inline Elements elements_of(const Tensor& x) { return {x.raw_data(), x.dtype()}; }
inline Results results_of(const Tensor& out) { return {out.raw_data(), out.dtype()}; }

/// int32 or int64.
struct Indices {
  const void* data;
  bool wide;

  /// Error for other dtypes, naming the kernel.
  Indices(const Tensor& indices, const char* kernel) : data(indices.raw_data()), wide(indices.dtype() == DType::int64) {
    if (!wide && indices.dtype() != DType::int32) refuse_dtype(kernel, indices.dtype());
  }
  constexpr std::int64_t operator[](std::int64_t i) const {
    return wide ? static_cast<const std::int64_t*>(data)[i] : static_cast<const std::int32_t*>(data)[i];
  }
};

}  // namespace nyala::backend::cuda
