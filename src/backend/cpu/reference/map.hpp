#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <xtensor/xadapt.hpp>

#include "backend/kernels.hpp"
#include "core/parallel.hpp"

namespace nyala::backend {

/// The elements as T, of whatever dtype of that width they are.
template <class T>
auto raw_elements(const Tensor& x) {
  return xt::adapt(static_cast<T*>(x.raw_data()), static_cast<std::size_t>(x.size()), xt::no_ownership(),
                   std::vector<std::size_t>(x.shape().begin(), x.shape().end()));
}

/// x broadcast to the shape by xtensor; x itself where it has that shape already.
Tensor broadcast_operand(const Tensor& x, const Shape& shape);

/// The elements that an operand of map_elements gives, one after the other: a tensor's, or one number for ever.
template <class T>
class Operand {
 public:
  Operand(const Tensor& x, const Tensor& out)
      : holder_(x.size() == 1 ? x : broadcast_operand(x, out.shape())),
        first_(holder_.data<T>()),
        step_(x.size() == 1 ? 0 : 1) {}
  explicit Operand(T number) : number_(number), first_(&number_), step_(0) {}
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;

  T operator[](std::int64_t i) const { return first_[i * step_]; }

 private:
  Tensor holder_;
  T number_ = T();
  const T* first_;
  std::int64_t step_;
};

/// out = f(operands…), elementwise. f is a pointer chosen at run time, and xtensor's broadcasting is behind the
/// operands: so each signature is compiled once, and in no time.
template <class R, class... T>
void map_elements(R (*f)(T...), Tensor& out, const Operand<T>&... operands) {
  R* to = out.data<R>();
  detail::parallel_for(0, out.size(), 16'384, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = f(operands[i]...);
  });
}

}  // namespace nyala::backend
