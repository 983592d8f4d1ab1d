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

}  // namespace

void ReferenceKernels::compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) {
  const Widened widened(*this);
  const Tensor wide_a = widened.in(a), wide_b = widened.in(b);
  visit_arithmetic(wide_a.dtype(), "compare", [&]<class T>(std::type_identity<T>) {
    map_elements(function<T>(op), out, Operand<T>(wide_a, out), Operand<T>(wide_b, out));
  });
}

void ReferenceKernels::where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) {
  visit_bytes(out.dtype(), "where", [&]<class T>(std::type_identity<T>) {
    const Tensor chosen = broadcast_operand(condition, out.shape()), x = broadcast_operand(a, out.shape()),
                 y = broadcast_operand(b, out.shape());
    const bool* choice = chosen.data<bool>();
    const T *from_x = static_cast<const T*>(x.raw_data()), *from_y = static_cast<const T*>(y.raw_data());
    T* to = static_cast<T*>(out.raw_data());
    for (std::int64_t i = 0; i < out.size(); ++i) to[i] = choice[i] ? from_x[i] : from_y[i];
  });
}

}  // namespace nyala::backend
