#include <algorithm>
#include <array>
#include <type_traits>

#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/parallel.hpp"

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

/// Lanes side by side go together, as many as lie in a few cache lines.
template <class T>
class Scanned {
 public:
  Scanned(Scan op, const T* x, const AxisSplit& split, bool reverse, T* out)
      : op_(op), x_(x), split_(split), reverse_(reverse), out_(out) {}

  void run() const {
    const std::int64_t blocks = (split_.inner + most - 1) / most;
    const std::int64_t grain = std::max<std::int64_t>(1, 16'384 / std::max<std::int64_t>(1, split_.n));
    detail::parallel_for(0, split_.outer * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block % blocks * most, lanes = std::min(most, split_.inner - first);
        const std::int64_t place = block / blocks * split_.n * split_.inner + first;
        lanes == 1 ? scan(place, std::integral_constant<std::int64_t, 1>()) : scan(place, lanes);
      }
    });
  }

 private:
  using A = Carried<T>;
  static constexpr std::int64_t most = 64;

  void scan(std::int64_t place, auto lanes) const {
    std::array<A, most> totals;
    totals.fill(op_ == Scan::sum ? A(0) : A(1));
    for (std::int64_t step = 0; step < split_.n; ++step) {
      const std::int64_t row = place + (reverse_ ? split_.n - 1 - step : step) * split_.inner;
      for (std::int64_t k = 0; k < lanes; ++k) {
        A& total = totals[static_cast<std::size_t>(k)];
        const A value = static_cast<A>(x_[row + k]);
        total = op_ == Scan::sum ? scalar::add(total, value) : scalar::multiply(total, value);
        out_[row + k] = static_cast<T>(total);
      }
    }
  }

  Scan op_;
  const T* x_;
  const AxisSplit& split_;
  bool reverse_;
  T* out_;
};

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
  visit_number(wide.dtype(), "scan", [&]<class T>(std::type_identity<T>) {
    Scanned<T>(op, wide.data<T>(), split, reverse, result.data<T>()).run();
  });
  widened.finish();
}

}  // namespace nyala::backend
