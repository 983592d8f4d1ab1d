#include "backend/common/dispatch.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

template <class T>
bool (*function(Compare op))(T, T) {
  switch (op) {
    case Compare::equal: return [](T a, T b) { return a == b; };
    case Compare::not_equal: return [](T a, T b) { return a != b; };
    case Compare::less: return [](T a, T b) { return a < b; };
    case Compare::less_equal: return [](T a, T b) { return a <= b; };
    case Compare::greater: return [](T a, T b) { return a > b; };
    case Compare::greater_equal: return [](T a, T b) { return a >= b; };
  }
  return nullptr;
}

template <class T>
T choose(bool condition, T a, T b) {
  return condition ? a : b;
}

}  // namespace

void ReferenceKernels::compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) {
  const Widened widened(*this);
  const Tensor wide_a = widened.in(a), wide_b = widened.in(b);
  visit_arithmetic(wide_a.dtype(), "compare", [&]<class T>(std::type_identity<T>) {
    map_elements(function<T>(op), out, wide_a.xt<T>(), wide_b.xt<T>());
  });
}

void ReferenceKernels::where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) {
  visit_bytes(out.dtype(), "where", [&]<class T>(std::type_identity<T>) {
    auto result = raw_elements<T>(out);
    const auto chosen = xt::vectorize(&choose<T>)(condition.xt<bool>(), raw_elements<T>(a), raw_elements<T>(b));
    xt::noalias(result) = xt::broadcast(chosen, result.shape());
  });
}

}  // namespace nyala::backend
