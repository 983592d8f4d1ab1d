#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

namespace detail {
struct VariableImpl;
}
class Regularizer;
class Constraint;

struct VariableOptions {
  bool trainable = true;
  std::string name = {};
};

/// A tensor that training changes: a handle, so that copies are the same variable.
/// https://keras.io/api/ops/core/#variable
class Variable {
 public:
  Variable() = default;
  explicit Variable(const Tensor& initial, VariableOptions options = {});
  explicit Variable(std::shared_ptr<detail::VariableImpl> impl) : impl_(std::move(impl)) {}

  /// The current value as an operation sees it: differentiable where a tape is active, and cast to the compute dtype of
  /// the layer that is being called under a mixed policy.
  operator Tensor() const;
  /// The current value, neither cast nor recorded. It shares storage with the variable.
  const Tensor& value() const;

  /// Throws Error for another shape; the value is cast to the variable's dtype and copied into its storage.
  void assign(const Tensor& value) const;
  void assign_add(const Tensor& value) const;
  void assign_sub(const Tensor& value) const;

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const;
  DType dtype() const;
  /// "kernel"
  const std::string& name() const;
  /// "sequential/dense/kernel"
  const std::string& path() const;
  bool trainable() const;
  void set_trainable(bool trainable) const;
  /// Null where there is none.
  const std::shared_ptr<Regularizer>& regularizer() const;
  const std::shared_ptr<Constraint>& constraint() const;

  bool is(const Variable& other) const { return impl_ == other.impl_; }
  const std::shared_ptr<detail::VariableImpl>& impl() const { return impl_; }

 private:
  std::shared_ptr<detail::VariableImpl> impl_;
};

}  // namespace nyala
