#include <nyala/variable.hpp>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/tape_state.hpp"
#include "autograd/variable_impl.hpp"
#include "core/tensor_impl.hpp"
#include "core/weight_forms.hpp"

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

namespace {

bool is_shared(const Tensor& tensor) { return tensor.impl().use_count() > 1 || tensor.impl()->storage.use_count() > 1; }

}  // namespace

Tensor VariableImpl::in(DType dtype) {
  const std::lock_guard lock(rounding_);
  const bool lent = value.impl()->storage->lent;
  if (is_rounded_ && !lent && rounded_.dtype() == dtype) return alias(rounded_);
  StopRecording stop;
  const Tensor fresh = cast(value, dtype);
  is_rounded_ = !lent && !is_shared(value);
  rounded_ = is_rounded_ ? alias(fresh) : Tensor();
  return fresh;
}

void VariableImpl::forget_rounded() {
  if (!is_rounded_) return;
  const std::lock_guard lock(rounding_);
  is_rounded_ = false;
  rounded_ = Tensor();
}

Tensor VariableImpl::take_rounded() {
  const std::lock_guard lock(rounding_);
  if (!is_rounded_) return {};
  is_rounded_ = false;
  const Tensor taken = std::move(rounded_);
  rounded_ = Tensor();
  if (is_shared(taken)) return {};
  close_forms(*taken.impl()->storage);
  return taken;
}

void VariableImpl::keep_rounded(const Tensor& tensor) {
  const std::lock_guard lock(rounding_);
  rounded_ = tensor;
  is_rounded_ = true;
}

Tensor& writable(const Variable& variable) {
  if (!variable.defined()) throw Error("Variable: this variable was never made");
  variable.impl()->forget_rounded();
  Tensor& value = variable.impl()->value;
  if (is_shared(value)) value = value.clone();
  close_forms(*value.impl()->storage);
  return value;
}

}  // namespace detail

Variable detail::variable_in(Tensor value, const VariableOptions& options) {
  require_defined(value, "Variable");
  const auto impl = std::make_shared<VariableImpl>();
  const Storage& storage = *value.impl()->storage;
  const bool own = !is_shared(value) && storage.keeper == nullptr && storage.bytes == value.bytes();
  impl->value = alias(own ? value : value.clone());
  impl->value.impl()->weak = false;
  impl->value.impl()->storage->lent = false;
  impl->name = impl->path = options.name.empty() ? "variable" : options.name;
  impl->trainable = options.trainable;
  if (autograd::RowGradient::serves(impl->value)) impl->rows = std::make_shared<autograd::RowGradient>();
  return Variable(impl);
}

Variable::Variable(const Tensor& initial, VariableOptions options) : Variable(detail::variable_in(initial, options)) {}

namespace {

/// Kernels may keep forms of a weight that is read where nothing is differentiated: it may stay for long.
void let_keep_forms(const Tensor& weight) {
  if (weight.rank() > 1 && weight.device().kind() == Device::Kind::cpu) detail::open_forms(*weight.impl()->storage);
}

detail::VariableImpl& known(const Variable& variable) {
  if (!variable.defined()) throw Error("Variable: this variable was never made (a layer's weights are made by build)");
  return *variable.impl();
}

}  // namespace

Variable::operator Tensor() const {
  known(*this);
  const bool recorded = autograd::records(*this);
  const auto leaf = [this] {
    const Tensor value = detail::alias(impl_->value);
    value.impl()->node = autograd::leaf_of(*this);
    return value;
  };
  const bool casts = detail::autocast_on && impl_->autocast && impl_->value.dtype() != detail::autocast_dtype &&
                     is_floating(impl_->value.dtype());
  if (casts) {
    Tensor value = impl_->in(detail::autocast_dtype);
    if (recorded)
      autograd::record_cast(value, leaf());
    else {
      impl_->forget_gradient();
      if (value.impl()->storage.use_count() > 1) let_keep_forms(value);  // it is kept
    }
    return value;
  }
  impl_->forget_rounded();
  if (recorded) return leaf();
  impl_->forget_gradient();
  let_keep_forms(impl_->value);
  return impl_->value;
}

const Tensor& Variable::value() const {
  known(*this).forget_rounded();
  return impl_->value;
}

void Variable::assign(const Tensor& value) const {
  detail::require_defined(value, "Variable::assign");
  if (value.shape() != shape()) {
    throw Error("Variable::assign: \"" + path() + "\" has the shape " + shape().str() + ", the value has " +
                value.shape().str());
  }
  StopRecording stop;
  impl_->forget_rounded();
  Tensor fresh = cast(value, dtype()).to(impl_->value.device());
  const bool shared = fresh.impl().use_count() > 1 || fresh.impl()->storage.use_count() > 1;
  impl_->value = shared ? fresh.clone() : detail::alias(fresh);
  impl_->value.impl()->weak = false;
  impl_->value.impl()->storage->lent = false;
}

void Variable::assign_add(const Tensor& value) const {
  StopRecording stop;
  assign(impl_->value + value);
}

void Variable::assign_sub(const Tensor& value) const {
  StopRecording stop;
  assign(impl_->value - value);
}

const Shape& Variable::shape() const { return known(*this).value.shape(); }
DType Variable::dtype() const { return known(*this).value.dtype(); }
const std::string& Variable::name() const { return known(*this).name; }
const std::string& Variable::path() const { return known(*this).path; }
bool Variable::trainable() const { return known(*this).trainable; }
void Variable::set_trainable(bool trainable) const { known(*this).trainable = trainable; }
const std::shared_ptr<Regularizer>& Variable::regularizer() const { return known(*this).regularizer; }
const std::shared_ptr<Constraint>& Variable::constraint() const { return known(*this).constraint; }

}  // namespace nyala
