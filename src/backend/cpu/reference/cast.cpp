#include <cmath>
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
  if constexpr (std::same_as<To, bool>) {
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

template <class Half>
void widen(const Tensor& half, Tensor& wide) {
  convert_all(static_cast<const Half*>(half.raw_data()), wide.data<float>(), half.size());
}

template <class Half>
void narrow(const Tensor& wide, Tensor& half) {
  convert_all(wide.data<float>(), static_cast<Half*>(half.raw_data()), half.size());
}

}  // namespace

void ReferenceKernels::cast(const Tensor& in, Tensor& out) {
  if (in.dtype() == out.dtype()) return copy(in, out);
  if (is_half(in.dtype()) || is_half(out.dtype())) {
    if (in.dtype() == DType::float32) {
      return out.dtype() == DType::float16 ? narrow<detail::float16>(in, out) : narrow<detail::bfloat16>(in, out);
    }
    if (out.dtype() == DType::float32) {
      return in.dtype() == DType::float16 ? widen<detail::float16>(in, out) : widen<detail::bfloat16>(in, out);
    }
    Tensor between = Tensor::empty(in.shape(), DType::float32, in.device());
    cast(in, between);
    return cast(between, out);
  }
  visit_arithmetic(in.dtype(), "cast", [&]<class From>(std::type_identity<From>) {
    visit_arithmetic(out.dtype(), "cast", [&]<class To>(std::type_identity<To>) {
      convert_all(in.data<From>(), out.data<To>(), in.size());
    });
  });
}

}  // namespace nyala::backend
