#include <algorithm>
#include <cstring>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/strided.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/map.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"

namespace nyala::backend {

void ReferenceKernels::fill(Tensor& out, double value) {
  if (out.size() == 0) return;
  Tensor one = Tensor::empty({}, DType::float64, out.device());
  *one.data<double>() = value;
  Tensor converted = Tensor::empty({}, out.dtype(), out.device());
  cast(one, converted);
  visit_bytes(out.dtype(), "fill", [&]<class T>(std::type_identity<T>) {
    raw_elements<T>(out).fill(*static_cast<const T*>(converted.raw_data()));
  });
}

void ReferenceKernels::fill_integer(Tensor& out, std::int64_t value) {
  if (out.size() == 0) return;
  Tensor one = Tensor::empty({}, DType::int64, out.device());
  *one.data<std::int64_t>() = value;
  Tensor converted = Tensor::empty({}, out.dtype(), out.device());
  cast(one, converted);
  visit_bytes(out.dtype(), "fill", [&]<class T>(std::type_identity<T>) {
    raw_elements<T>(out).fill(*static_cast<const T*>(converted.raw_data()));
  });
}

void ReferenceKernels::arange(Tensor& out, double start, double step) {
  Tensor values = Tensor::empty(out.shape(), DType::float64, out.device());
  double* value = values.data<double>();
  for (std::int64_t i = 0; i < values.size(); ++i) value[i] = start + static_cast<double>(i) * step;
  cast(values, out);
}

void ReferenceKernels::copy(const Tensor& in, Tensor& out) {
  if (in.size() != 0) std::memmove(out.raw_data(), in.raw_data(), in.bytes());
}

void ReferenceKernels::strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides,
                                    Tensor& out) {
  visit_bytes(in.dtype(), "strided_read", [&]<class T>(std::type_identity<T>) {
    const T* from = static_cast<const T*>(in.raw_data()) + offset;
    T* to = static_cast<T*>(out.raw_data());
    for_each_run(out.shape(), strides,
                 [&](std::int64_t first, std::int64_t start, std::int64_t count, std::int64_t stride) {
                   for (std::int64_t i = 0; i < count; ++i) to[first + i] = from[start + i * stride];
                 });
  });
}

void ReferenceKernels::strided_write(const Tensor& in, Tensor& out, std::int64_t offset,
                                     std::span<const std::int64_t> strides, bool add) {
  if (!add) {
    return visit_bytes(in.dtype(), "strided_write", [&]<class T>(std::type_identity<T>) {
      const T* from = static_cast<const T*>(in.raw_data());
      T* to = static_cast<T*>(out.raw_data()) + offset;
      for_each_run(in.shape(), strides,
                   [&](std::int64_t first, std::int64_t start, std::int64_t count, std::int64_t stride) {
                     if (stride == 1)
                       std::copy_n(from + first, count, to + start);
                     else
                       for (std::int64_t i = 0; i < count; ++i) to[start + i * stride] = from[first + i];
                   });
    });
  }
  Widened widened(*this);
  const Tensor wide = widened.in(in);
  Tensor& sum = widened.in_out(out);
  visit_arithmetic(wide.dtype(), "strided_write", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    T* to = sum.data<T>() + offset;
    for_each_run(wide.shape(), strides,
                 [&](std::int64_t first, std::int64_t start, std::int64_t count, std::int64_t stride) {
                   for (std::int64_t i = 0; i < count; ++i) {
                     T& place = to[start + i * stride];
                     place = scalar::add(place, from[first + i]);
                   }
                 });
  });
  widened.finish();
}

}  // namespace nyala::backend
