#include <nyala/variable.hpp>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/tape_state.hpp"
#include "autograd/variable_impl.hpp"

namespace nyala {

namespace detail {

namespace {
thread_local DType autocast_dtype = DType::float32;
thread_local bool autocast_on = false;
}  // namespace

AutocastScope::AutocastScope(DType dtype) : previous_(autocast_dtype), previously_on_(autocast_on) {
  autocast_dtype = dtype;
  autocast_on = true;
}

AutocastScope::~AutocastScope() {
  autocast_dtype = previous_;
  autocast_on = previously_on_;
}

Tensor& writable(const Variable& variable) {
  if (!variable.defined()) throw Error("Variable: this variable was never made");
  Tensor& value = variable.impl()->value;
  const bool shared = value.impl().use_count() > 1 || value.impl()->storage.use_count() > 1;
  if (shared) value = value.clone();
  return value;
}

}  // namespace detail

Variable::Variable(const Tensor& initial, VariableOptions options) : impl_(std::make_shared<detail::VariableImpl>()) {
  detail::require_defined(initial, "Variable");
  impl_->value = detail::alias(initial.clone());
  impl_->value.impl()->weak = false;
  impl_->name = options.name.empty() ? "variable" : options.name;
  impl_->path = impl_->name;
  impl_->trainable = options.trainable;
}

Variable::operator Tensor() const {
  if (!defined()) throw Error("Variable: this variable was never made (a layer's weights are made by build)");
  if (!autograd::records(*this) && !detail::autocast_on) return impl_->value;
  Tensor value = impl_->value;
  if (autograd::records(*this)) {
    value = detail::alias(value);
    value.impl()->node = autograd::leaf_of(*this);
  }
  if (detail::autocast_on && impl_->autocast && is_floating(dtype()) && dtype() != detail::autocast_dtype) {
    return cast(value, detail::autocast_dtype);
  }
  return value;
}

const Tensor& Variable::value() const {
  if (!defined()) throw Error("Variable: this variable was never made (a layer's weights are made by build)");
  return impl_->value;
}

void Variable::assign(const Tensor& value) const {
  detail::require_defined(value, "Variable::assign");
  if (value.shape() != shape()) {
    throw Error("Variable::assign: \"" + path() + "\" has the shape " + shape().str() + ", the value has " +
                value.shape().str());
  }
  StopRecording stop;
  Tensor fresh = cast(value, dtype()).to(impl_->value.device());
  const bool shared = fresh.impl().use_count() > 1 || fresh.impl()->storage.use_count() > 1;
  impl_->value = shared ? fresh.clone() : detail::alias(fresh);
  impl_->value.impl()->weak = false;
}

void Variable::assign_add(const Tensor& value) const {
  StopRecording stop;
  assign(impl_->value + value);
}

void Variable::assign_sub(const Tensor& value) const {
  StopRecording stop;
  assign(impl_->value - value);
}

const Shape& Variable::shape() const { return value().shape(); }
DType Variable::dtype() const { return value().dtype(); }
const std::string& Variable::name() const { return value(), impl_->name; }
const std::string& Variable::path() const { return value(), impl_->path; }
bool Variable::trainable() const { return value(), impl_->trainable; }
void Variable::set_trainable(bool trainable) const { value(), impl_->trainable = trainable; }
const std::shared_ptr<Regularizer>& Variable::regularizer() const { return value(), impl_->regularizer; }
const std::shared_ptr<Constraint>& Variable::constraint() const { return value(), impl_->constraint; }

}  // namespace nyala
