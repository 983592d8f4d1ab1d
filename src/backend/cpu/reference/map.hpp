#pragma once

#include <cstddef>
#include <vector>

#include <xtensor/xadapt.hpp>
#include <xtensor/xbroadcast.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xvectorize.hpp>

#include "backend/kernels.hpp"

namespace nyala::backend {

/// The elements as T, of whatever dtype of that width they are.
template <class T>
auto raw_elements(const Tensor& x) {
  return xt::adapt(static_cast<T*>(x.raw_data()), static_cast<std::size_t>(x.size()), xt::no_ownership(),
                   std::vector<std::size_t>(x.shape().begin(), x.shape().end()));
}

/// out = f(operands…), elementwise, xtensor broadcasting the operands. f is a pointer chosen at run time, so that each
/// signature is compiled once.
template <class R, class... T, class... Operand>
void map_elements(R (*f)(T...), Tensor& out, const Operand&... operands) {
  auto result = out.xt<R>();
  xt::noalias(result) = xt::broadcast(xt::vectorize(f)(operands...), result.shape());
}

}  // namespace nyala::backend
