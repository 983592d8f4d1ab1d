#include "backend/cpu/reference/map.hpp"

#include <xtensor/xbroadcast.hpp>
#include <xtensor/xnoalias.hpp>

#include "backend/common/dispatch.hpp"

namespace nyala::backend {

Tensor broadcast_operand(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Tensor whole = Tensor::empty(shape, x.dtype(), x.device());
  visit_bytes(x.dtype(), "broadcast", [&]<class T>(std::type_identity<T>) {
    auto elements = raw_elements<T>(whole);
    xt::noalias(elements) = xt::broadcast(raw_elements<T>(x), elements.shape());
  });
  return whole;
}

}  // namespace nyala::backend
