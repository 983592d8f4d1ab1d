#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include <nyala/dtype.hpp>
#include <nyala/error.hpp>

namespace nyala::backend {

[[noreturn]] inline void refuse_dtype(const char* kernel, DType dtype) {
  throw Error(std::string(kernel) + ": not defined for dtype " + name_of(dtype));
}

inline bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

/// fn(std::type_identity<T>) for the C++ type of float32 and float64; Error for all else.
template <class F>
void visit_floating(DType dtype, const char* kernel, F&& fn) {
  switch (dtype) {
    case DType::float32: return fn(std::type_identity<float>());
    case DType::float64: return fn(std::type_identity<double>());
    default: refuse_dtype(kernel, dtype);
  }
}

/// … of int32 and int64.
template <class F>
void visit_index(DType dtype, const char* kernel, F&& fn) {
  switch (dtype) {
    case DType::int32: return fn(std::type_identity<std::int32_t>());
    case DType::int64: return fn(std::type_identity<std::int64_t>());
    default: refuse_dtype(kernel, dtype);
  }
}

/// … of float32, float64 and all integers.
template <class F>
void visit_number(DType dtype, const char* kernel, F&& fn) {
  switch (dtype) {
    case DType::uint8: return fn(std::type_identity<std::uint8_t>());
    case DType::uint16: return fn(std::type_identity<std::uint16_t>());
    case DType::uint32: return fn(std::type_identity<std::uint32_t>());
    case DType::uint64: return fn(std::type_identity<std::uint64_t>());
    case DType::int8: return fn(std::type_identity<std::int8_t>());
    case DType::int16: return fn(std::type_identity<std::int16_t>());
    case DType::int32: return fn(std::type_identity<std::int32_t>());
    case DType::int64: return fn(std::type_identity<std::int64_t>());
    default: return visit_floating(dtype, kernel, fn);
  }
}

/// … of these and bool.
template <class F>
void visit_arithmetic(DType dtype, const char* kernel, F&& fn) {
  if (dtype == DType::boolean) return fn(std::type_identity<bool>());
  return visit_number(dtype, kernel, fn);
}

/// An unsigned integer as wide as the elements: enough where they are only moved.
template <class F>
void visit_bytes(DType dtype, const char* kernel, F&& fn) {
  switch (size_of(dtype)) {
    case 1: return fn(std::type_identity<std::uint8_t>());
    case 2: return fn(std::type_identity<std::uint16_t>());
    case 4: return fn(std::type_identity<std::uint32_t>());
    case 8: return fn(std::type_identity<std::uint64_t>());
    default: refuse_dtype(kernel, dtype);
  }
}

}  // namespace nyala::backend
