#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <nyala/config.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

class Layer;
class Initializer;
class Regularizer;
class Constraint;
class Loss;
class Metric;
class Optimizer;
class Callback;

namespace detail {

/// What a Ref holds, made and let go of in the library: options structs hold many, and a user's file should not pay for
/// each of them.
class RefHandle {
 public:
  RefHandle() = default;
  static RefHandle of_name(const char* name);
  static RefHandle of_name(const std::string& name);
  static RefHandle of_object(std::shared_ptr<void> object);
  static RefHandle of_callable(std::shared_ptr<void> callable);
  RefHandle(const RefHandle& other);
  RefHandle(RefHandle&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  RefHandle& operator=(const RefHandle& other);
  RefHandle& operator=(RefHandle&& other) noexcept;
  ~RefHandle();

  bool empty() const { return data_ == nullptr; }
  const std::string& name() const;
  const std::shared_ptr<void>& object() const;
  const std::shared_ptr<void>& callable() const;

 private:
  struct Data;
  Data* data_ = nullptr;
};

}  // namespace detail

/// A name ("relu"), an object of a class derived from Base (by value or by shared_ptr), or a callable of Signature;
/// default-made or nullptr it is Keras' None. What a name means is looked up by who takes it.
template <class Base, class Signature = void()>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  Ref(const char* name)
    requires(!std::same_as<Base, Callback>)
      : handle_(detail::RefHandle::of_name(name)) {}
  Ref(const std::string& name)
    requires(!std::same_as<Base, Callback>)
      : handle_(detail::RefHandle::of_name(name)) {}
  template <std::derived_from<Base> T>
  Ref(T object) : Ref(std::make_shared<T>(std::move(object))) {}
  template <std::derived_from<Base> T>
  Ref(std::shared_ptr<T> object)
      : handle_(object == nullptr ? detail::RefHandle()
                                  : detail::RefHandle::of_object(std::shared_ptr<Base>(std::move(object)))) {}
  template <class F>
    requires(!std::derived_from<F, Base> && !std::convertible_to<F, std::string> && !std::same_as<F, Ref> &&
             !std::same_as<Base, Callback> && std::constructible_from<std::function<Signature>, F>)
  Ref(F callable) {
    std::function<Signature> function(std::move(callable));
    if (function)
      handle_ = detail::RefHandle::of_callable(std::make_shared<std::function<Signature>>(std::move(function)));
  }

  bool is_none() const { return handle_.empty(); }
  bool is_name() const { return !handle_.name().empty(); }
  const std::string& name() const { return handle_.name(); }
  /// Null unless an object was given.
  std::shared_ptr<Base> object() const { return std::static_pointer_cast<Base>(handle_.object()); }
  /// Empty unless a callable was given.
  std::function<Signature> callable() const {
    const auto& callable = handle_.callable();
    return callable == nullptr ? std::function<Signature>() : *static_cast<std::function<Signature>*>(callable.get());
  }

 private:
  detail::RefHandle handle_;
};

using InitializerRef = Ref<Initializer, Tensor(const Shape&, DType)>;
using RegularizerRef = Ref<Regularizer, Tensor(const Tensor&)>;
using ConstraintRef = Ref<Constraint, Tensor(const Tensor&)>;
using LossRef = Ref<Loss, Tensor(const Tensor&, const Tensor&)>;
using MetricRef = Ref<Metric, Tensor(const Tensor&, const Tensor&)>;
using OptimizerRef = Ref<Optimizer>;
using CallbackRef = Ref<Callback>;
/// "relu", a function of a tensor, or a layer: LeakyReLU(0.1).
using ActivationRef = Ref<Layer, Tensor(const Tensor&)>;

}  // namespace nyala
