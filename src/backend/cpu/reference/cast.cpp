#include "backend/common/convert.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {
namespace {

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
