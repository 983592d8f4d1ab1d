#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <nyala/variable.hpp>

#include "autograd/row_gradient.hpp"
#include "core/spin_lock.hpp"

namespace nyala::detail {

struct VariableImpl {
  Tensor value;
  std::string name, path;
  bool trainable = true;
  bool autocast = true;  // cast to the compute dtype of the layer being called
  int watchers = 0;      // tapes that watch it by name
  std::once_flag leaf_once;
  std::shared_ptr<autograd::Node> leaf;
  std::shared_ptr<autograd::RowGradient> rows;  // of a large table, where a step may take few rows; else null
  std::shared_ptr<Regularizer> regularizer;
  std::shared_ptr<Constraint> constraint;
  std::shared_ptr<void> initializer;

  /// The value in `dtype`, for layers of a mixed policy; kept until the value changes or is handed out as it is, since
  /// whoever has it may write to it.
  Tensor in(DType dtype);
  void forget_rounded();
  /// Takes what is kept, for a step of an optimizer that changes it along with the value; null if there is nothing or
  /// others read it still.
  Tensor take_rounded();
  void keep_rounded(const Tensor& tensor);

  /// Lets go of the memory of gradients by rows, where the value is read and nothing is trained.
  void forget_gradient() {
    if (rows != nullptr) rows->forget();
  }

 private:
  SpinLock rounding_;
  std::atomic<bool> is_rounded_ = false;
  Tensor rounded_;
};

/// The value with storage that nobody else holds (copied if need be), to be changed in place.
Tensor& writable(const Variable& variable);

/// A Variable that begins as `value`, in its very storage if nobody else holds that.
Variable variable_in(Tensor value, const VariableOptions& options);

/// While it lives, Variables read in this thread are cast to `dtype` (floating ones only).
class AutocastScope {
 public:
  explicit AutocastScope(DType dtype);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  DType previous_;
  bool previously_on_;
};

}  // namespace nyala::detail
