#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

template <class T>
void arg_reduce_as(bool maximum, const T* x, const AxisSplit& split, std::int32_t* out) {
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t k = 0; k < split.inner; ++k) {
      const T* lane = x + o * split.n * split.inner + k;
      std::int64_t best = 0;
      T value = lane[0];
      // The first of equals stays; the first NaN beats every number.
      for (std::int64_t i = 1; i < split.n && value == value; ++i) {
        const T other = lane[i * split.inner];
        if (other != other || (maximum ? other > value : other < value)) {
          value = other;
          best = i;
        }
      }
      out[o * split.inner + k] = static_cast<std::int32_t>(best);
    }
  }
}

/// Float32 sums are carried in double, so that the end of a long axis is as good as its beginning.
template <class T>
using Carried = std::conditional_t<std::same_as<T, float>, double, T>;

template <class T>
void scan_as(Scan op, const T* x, const AxisSplit& split, bool reverse, T* out) {
  using A = Carried<T>;
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t k = 0; k < split.inner; ++k) {
      A total = op == Scan::sum ? A(0) : A(1);
      for (std::int64_t step = 0; step < split.n; ++step) {
        const std::int64_t i = reverse ? split.n - 1 - step : step;
        const std::int64_t place = (o * split.n + i) * split.inner + k;
        const A value = static_cast<A>(x[place]);
        total = op == Scan::sum ? scalar::add(total, value) : scalar::multiply(total, value);
        out[place] = static_cast<T>(total);
      }
    }
  }
}

}  // namespace

void ReferenceKernels::arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32) {
  const Widened widened(*this);
  const Tensor wide = widened.in(x);
  const AxisSplit split(x.shape(), axis);
  visit_arithmetic(wide.dtype(), "arg_reduce", [&]<class T>(std::type_identity<T>) {
    arg_reduce_as(maximum, wide.data<T>(), split, out_int32.data<std::int32_t>());
  });
}

void ReferenceKernels::scan(Scan op, const Tensor& x, int axis, bool reverse, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(x);
  Tensor& result = widened.out(out);
  const AxisSplit split(x.shape(), axis);
  visit_number(wide.dtype(), "scan",
               [&]<class T>(std::type_identity<T>) { scan_as(op, wide.data<T>(), split, reverse, result.data<T>()); });
  widened.finish();
}

}  // namespace nyala::backend
