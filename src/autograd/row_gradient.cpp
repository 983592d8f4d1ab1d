#include "autograd/row_gradient.hpp"

#include <algorithm>
#include <mutex>

#include "backend/kernels.hpp"
#include "core/parallel.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::autograd {

namespace {

constexpr std::int64_t least_size = 1 << 16;  // elements: below, zeros cost nothing

bool held_elsewhere(const Tensor& memory) {
  return memory.impl().use_count() > 1 || memory.impl()->storage.use_count() > 1;
}

bool written_by_others(const Tensor& memory) { return memory.impl()->storage->lent; }

template <class I>
void add_all(const I* first, std::int64_t count, detail::RowSet& rows) {
  for (std::int64_t i = 0; i < count; ++i) rows.add(first[i]);
}

/// Makes those rows zero again.
void clear(const Tensor& memory, const detail::RowSet& rows) {
  const std::int64_t count = memory.shape()[0], length = memory.size() / count;
  float* const first = static_cast<float*>(memory.raw_data());
  constexpr std::int64_t word = 64;
  detail::parallel_for(0, (count + word - 1) / word, 16, [&](std::int64_t begin, std::int64_t end) {
    rows.each(begin * word, std::min(end * word, count),
              [&](std::int64_t row) { std::fill_n(first + row * length, length, 0.0F); });
  });
}

}  // namespace

bool RowGradient::serves(const Tensor& value) {
  return value.size() >= least_size && value.rank() > 0 && value.dtype() == DType::float32 &&
         value.device().kind() == Device::Kind::cpu;
}

Tensor RowGradient::place(const Shape& shape, const Tensor& rows) {
  if (2 * rows.size() > shape[0]) return {};
  if (rows.dtype() != DType::int32 && rows.dtype() != DType::int64) return {};
  const std::scoped_lock guard(lock_);
  if (memory_.defined() && (written_by_others(memory_) || memory_.shape() != shape)) memory_ = Tensor();
  if (memory_.defined() && held_elsewhere(memory_)) return {};
  if (memory_.defined()) {
    clear(memory_, *rows_);
  } else {
    memory_ = Tensor::empty(shape, DType::float32, Device());
    backend::kernels(memory_).fill(memory_, 0.0);
  }
  auto taken = std::make_shared<detail::RowSet>(shape[0]);
  if (rows.dtype() == DType::int32)
    add_all(static_cast<const std::int32_t*>(rows.raw_data()), rows.size(), *taken);
  else
    add_all(static_cast<const std::int64_t*>(rows.raw_data()), rows.size(), *taken);
  rows_ = std::move(taken);
  return detail::alias(memory_);
}

std::shared_ptr<const detail::RowSet> RowGradient::rows_of(const Tensor& gradient) {
  const std::scoped_lock guard(lock_);
  const bool ours = memory_.defined() && gradient.impl()->storage == memory_.impl()->storage &&
                    gradient.impl()->offset == 0 && gradient.shape() == memory_.shape();
  return ours && !written_by_others(memory_) ? rows_ : nullptr;
}

void RowGradient::forget() {
  const std::scoped_lock guard(lock_);
  if (memory_.defined() && !held_elsewhere(memory_)) memory_ = Tensor();
}

}  // namespace nyala::autograd
