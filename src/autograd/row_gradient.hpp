#pragma once

#include <memory>

#include <nyala/tensor.hpp>

#include "core/row_set.hpp"
#include "core/spin_lock.hpp"

namespace nyala::autograd {

/// The gradient of a variable of which a step takes few rows, as of an embedding's table: a tensor like any other,
/// whose memory stays from step to step, so that only the rows of the step before need to become zero again, and of
/// which an optimizer may ask where it is not zero. From any thread.
class RowGradient {
 public:
  /// Whether it is of use for a variable of that value.
  static bool serves(const Tensor& value);
  /// Zeros of that shape, float32, to which gradients of those rows (not fewer than 0) are about to be added; null
  /// where that is not worth it or where somebody holds the tensor of another step.
  Tensor place(const Shape& shape, const Tensor& rows);
  /// Where that gradient can differ from zero; null: anywhere.
  std::shared_ptr<const detail::RowSet> rows_of(const Tensor& gradient);
  /// Lets go of the memory.
  void forget();

 private:
  detail::SpinLock lock_;
  Tensor memory_;
  std::shared_ptr<const detail::RowSet> rows_;
};

}  // namespace nyala::autograd
