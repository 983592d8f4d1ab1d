#include <limits>

#include <nyala/ops/math.hpp>

#include "ops/common.hpp"

namespace nyala {

namespace {

using backend::Compare;

Tensor compare(Compare op, const char* name, const Tensor& x1, const Tensor& x2) {
  const ops::Operands o(x1, x2, name);
  Tensor y = Tensor::empty(o.shape(), DType::boolean, o.a().device());
  backend::kernels(o.a(), o.b()).compare(op, o.a(), o.b(), y);
  return y;
}

}  // namespace

Tensor equal(const Tensor& x1, const Tensor& x2) { return compare(Compare::equal, "equal", x1, x2); }
Tensor not_equal(const Tensor& x1, const Tensor& x2) { return compare(Compare::not_equal, "not_equal", x1, x2); }
Tensor less(const Tensor& x1, const Tensor& x2) { return compare(Compare::less, "less", x1, x2); }
Tensor less_equal(const Tensor& x1, const Tensor& x2) { return compare(Compare::less_equal, "less_equal", x1, x2); }
Tensor greater(const Tensor& x1, const Tensor& x2) { return compare(Compare::greater, "greater", x1, x2); }
Tensor greater_equal(const Tensor& x1, const Tensor& x2) {
  return compare(Compare::greater_equal, "greater_equal", x1, x2);
}

Tensor isclose(const Tensor& x1, const Tensor& x2, double rtol, double atol, bool equal_nan) {
  const ops::Operands o(x1, x2, "isclose", ops::Operands::Floating{});
  const Tensor a = stop_gradient(o.a()), b = stop_gradient(o.b());
  // An infinite b would make every a close to it.
  const Tensor near = logical_and(abs(a - b) <= abs(b) * rtol + atol, isfinite(b));
  const Tensor close = logical_or(near, equal(a, b));
  return equal_nan ? logical_or(close, logical_and(isnan(a), isnan(b))) : close;
}

Tensor operator==(const Tensor& a, const Tensor& b) { return equal(a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return not_equal(a, b); }
Tensor operator<(const Tensor& a, const Tensor& b) { return less(a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return less_equal(a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return greater(a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return greater_equal(a, b); }

}  // namespace nyala
