#include <vector>

#include "backend/common/dispatch.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// fn(first row, how many) for parts of a (rows, n) tensor.
template <class F>
void for_rows(std::int64_t rows, std::int64_t n, F&& fn) {
  detail::parallel_for(0, rows, rows_grain(n, dear_grain),
                       [&](std::int64_t begin, std::int64_t end) { fn(begin, end - begin); });
}

bool fits(const Tensor& x) { return x.rank() == 2 && x.size() != 0; }

/// Labels as int64; `kept` holds them where they were of another type.
const std::int64_t* labels_of(const Tensor& labels, std::vector<std::int64_t>& kept) {
  if (labels.dtype() == DType::int64) return labels.data<std::int64_t>();
  const std::int32_t* narrow = labels.data<std::int32_t>();
  kept.assign(narrow, narrow + labels.size());
  return kept.data();
}

}  // namespace

void SimdKernels::softmax(const Tensor& x, Tensor& y) {
  if (!all_float32(x, y) || !fits(x)) return ReferenceKernels::softmax(x, y);
  const std::int64_t n = x.shape()[1];
  for_rows(x.shape()[0], n, [&, from = floats(x), to = floats(y)](std::int64_t first, std::int64_t rows) {
    table_.softmax(from + first * n, to + first * n, rows, n, false);
  });
}

void SimdKernels::log_softmax(const Tensor& x, Tensor& y) {
  if (!all_float32(x, y) || !fits(x)) return ReferenceKernels::log_softmax(x, y);
  const std::int64_t n = x.shape()[1];
  for_rows(x.shape()[0], n, [&, from = floats(x), to = floats(y)](std::int64_t first, std::int64_t rows) {
    table_.softmax(from + first * n, to + first * n, rows, n, true);
  });
}

void SimdKernels::softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  if (!all_float32(y, gradient, dx) || !fits(y)) return ReferenceKernels::softmax_backward(y, gradient, dx);
  const std::int64_t n = y.shape()[1];
  const float *value = floats(y), *incoming = floats(gradient);
  for_rows(y.shape()[0], n, [&, to = floats(dx)](std::int64_t first, std::int64_t rows) {
    table_.softmax_backward(value + first * n, incoming + first * n, to + first * n, rows, n, false);
  });
}

void SimdKernels::log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) {
  if (!all_float32(y, gradient, dx) || !fits(y)) return ReferenceKernels::log_softmax_backward(y, gradient, dx);
  const std::int64_t n = y.shape()[1];
  const float *value = floats(y), *incoming = floats(gradient);
  for_rows(y.shape()[0], n, [&, to = floats(dx)](std::int64_t first, std::int64_t rows) {
    table_.softmax_backward(value + first * n, incoming + first * n, to + first * n, rows, n, true);
  });
}

void SimdKernels::sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss) {
  if (!all_float32(logits, loss) || !fits(logits)) return ReferenceKernels::sparse_crossentropy(logits, labels, loss);
  std::vector<std::int64_t> kept;
  const std::int64_t* classes = labels_of(labels, kept);
  const std::int64_t n = logits.shape()[1];
  for_rows(logits.shape()[0], n, [&, from = floats(logits), to = floats(loss)](std::int64_t first, std::int64_t rows) {
    table_.crossentropy(from + first * n, classes + first, to + first, rows, n);
  });
}

void SimdKernels::sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                               Tensor& dlogits) {
  if (!all_float32(logits, gradient, dlogits) || !fits(logits)) {
    return ReferenceKernels::sparse_crossentropy_backward(logits, labels, gradient, dlogits);
  }
  std::vector<std::int64_t> kept;
  const std::int64_t* classes = labels_of(labels, kept);
  const std::int64_t n = logits.shape()[1];
  const float *from = floats(logits), *incoming = floats(gradient);
  for_rows(logits.shape()[0], n, [&, to = floats(dlogits)](std::int64_t first, std::int64_t rows) {
    table_.crossentropy_backward(from + first * n, classes + first, incoming + first, to + first * n, rows, n);
  });
}

}  // namespace nyala::backend
