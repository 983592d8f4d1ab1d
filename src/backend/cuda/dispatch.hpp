#pragma once

#include <cstdint>
#include <type_traits>

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

}  // namespace nyala::backend::cuda
