#include "backend/cpu/simd/loops.hpp"

// Plain loops, which the compiler turns into vector instructions by itself.

namespace nyala::backend::NYALA_SIMD_NAMESPACE {
namespace {

template <class T, class F, Operands operands>
void loop(const void* a_elements, const void* b_elements, bool* out, std::int64_t n) {
  const auto* a = static_cast<const T*>(a_elements);
  const auto* b = static_cast<const T*>(b_elements);
  const T one = n == 0 ? T(0) : operands == Operands::scalar_a ? *a : *b;
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    const bool holds = F()(operands == Operands::scalar_a ? one : a[i], operands == Operands::scalar_b ? one : b[i]);
    bytes[i] = static_cast<std::uint8_t>(holds);
  }
}
template <class T, class F>
SimdTable::CompareLoop loop_of(Operands operands, F) {
  switch (operands) {
    case Operands::scalar_a: return &loop<T, F, Operands::scalar_a>;
    case Operands::scalar_b: return &loop<T, F, Operands::scalar_b>;
    case Operands::both:
    case Operands::none: break;
  }
  return &loop<T, F, Operands::both>;
}

template <class T>
SimdTable::CompareLoop compare_as(Compare op, Operands operands) {
  switch (op) {
    case Compare::equal: return loop_of<T>(operands, [](T a, T b) { return a == b; });
    case Compare::not_equal: return loop_of<T>(operands, [](T a, T b) { return a != b; });
    case Compare::less: return loop_of<T>(operands, [](T a, T b) { return a < b; });
    case Compare::less_equal: return loop_of<T>(operands, [](T a, T b) { return a <= b; });
    case Compare::greater: return loop_of<T>(operands, [](T a, T b) { return a > b; });
    case Compare::greater_equal: return loop_of<T>(operands, [](T a, T b) { return a >= b; });
  }
  return nullptr;
}

template <class From, class To>
void convert(const void* in, void* out, std::int64_t n) {
  const auto* from = static_cast<const From*>(in);
  auto* to = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
}

}  // namespace

SimdTable::CompareLoop compare(Compare op, DType dtype, Operands operands) {
  switch (dtype) {
    case DType::float32: return compare_as<float>(op, operands);
    case DType::int32: return compare_as<std::int32_t>(op, operands);
    case DType::int64: return compare_as<std::int64_t>(op, operands);
    default: return nullptr;
  }
}

void where(const bool* condition, const float* a, const float* b, Operands operands, float* out, std::int64_t n) {
  if (n == 0) return;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(condition);
  const float one_a = *a, one_b = *b;
  switch (operands) {
    case Operands::both:
      for (std::int64_t i = 0; i < n; ++i) {
        const float yes = a[i], no = b[i];
        out[i] = bytes[i] != 0 ? yes : no;
      }
      break;
    case Operands::scalar_a:
      for (std::int64_t i = 0; i < n; ++i) {
        const float no = b[i];
        out[i] = bytes[i] != 0 ? one_a : no;
      }
      break;
    case Operands::scalar_b:
      for (std::int64_t i = 0; i < n; ++i) {
        const float yes = a[i];
        out[i] = bytes[i] != 0 ? yes : one_b;
      }
      break;
    case Operands::none:
      for (std::int64_t i = 0; i < n; ++i) out[i] = bytes[i] != 0 ? one_a : one_b;
      break;
  }
}

SimdTable::CastLoop cast(DType from, DType to) {
  if (to == DType::float32) {
    switch (from) {
      case DType::boolean:
      case DType::uint8: return &convert<std::uint8_t, float>;
      case DType::int32: return &convert<std::int32_t, float>;
      case DType::int64: return &convert<std::int64_t, float>;
      case DType::float64: return &convert<double, float>;
      default: return nullptr;
    }
  }
  if (from == DType::float32 && to == DType::float64) return &convert<float, double>;
  if (from == DType::int32 && to == DType::int64) return &convert<std::int32_t, std::int64_t>;
  if (from == DType::int64 && to == DType::int32) return &convert<std::int64_t, std::int32_t>;
  return nullptr;
}

void dropout(const std::uint32_t* words, std::uint32_t limit, float factor, const float* x, float* out,
             std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float kept = x[i] * factor;
    out[i] = words[i] >> 8 >= limit ? kept : 0.0F;
  }
}

}  // namespace nyala::backend::NYALA_SIMD_NAMESPACE
