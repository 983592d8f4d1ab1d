#include <concepts>
#include <limits>

#include "backend/common/dispatch.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/half.hpp"

namespace nyala::backend {
namespace {

/// Integers wrap around, as in NumPy; what a floating number has beyond an integer type becomes its nearest value and
/// NaN becomes 0, as in XLA.
template <class To, class From>
To convert(From value) {
  if constexpr (!std::is_arithmetic_v<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (!std::is_arithmetic_v<To>) {
    if constexpr (std::same_as<From, float>)
      return static_cast<To>(value);
    else
      return static_cast<To>(static_cast<double>(value));
  } else if constexpr (std::same_as<To, bool>) {
    return value != From(0);
  } else if constexpr (std::floating_point<From> && std::integral<To>) {
    using Limits = std::numeric_limits<To>;
    if (value != value) return 0;
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    // The largest 32- and 64-bit integers round up to a power of two, which is already too large.
    if (value >= static_cast<From>(Limits::max())) return Limits::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

template <class From, class To>
void convert_all(const From* from, To* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = convert<To>(from[i]);
}

/// visit_arithmetic with float16 and bfloat16.
template <class F>
void visit_castable(DType dtype, F&& fn) {
  if (dtype == DType::float16) return fn(std::type_identity<float16>());
  if (dtype == DType::bfloat16) return fn(std::type_identity<bfloat16>());
  visit_arithmetic(dtype, "cast", fn);
}

}  // namespace

void ReferenceKernels::cast(const Tensor& in, Tensor& out) {
  if (in.dtype() == out.dtype()) return copy(in, out);
  visit_castable(in.dtype(), [&]<class From>(std::type_identity<From>) {
    visit_castable(out.dtype(), [&]<class To>(std::type_identity<To>) {
      convert_all(static_cast<const From*>(in.raw_data()), static_cast<To*>(out.raw_data()), in.size());
    });
  });
}

}  // namespace nyala::backend
