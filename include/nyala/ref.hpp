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

/// A name ("relu"), an object of a class derived from Base (by value or by shared_ptr), or a callable of Signature;
/// default-made or nullptr it is Keras' None. What a name means is looked up by who takes it.
template <class Base, class Signature = void()>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  Ref(const char* name)
    requires(!std::same_as<Base, Callback>)
      : name_(name) {}
  Ref(const std::string& name)
    requires(!std::same_as<Base, Callback>)
      : name_(name) {}
  template <std::derived_from<Base> T>
  Ref(T object) : object_(std::make_shared<T>(std::move(object))) {}
  template <std::derived_from<Base> T>
  Ref(std::shared_ptr<T> object) : object_(std::move(object)) {}
  template <class F>
    requires(!std::derived_from<F, Base> && !std::convertible_to<F, std::string> && !std::same_as<F, Ref> &&
             !std::same_as<Base, Callback> && std::constructible_from<std::function<Signature>, F>)
  Ref(F callable) : callable_(std::move(callable)) {}

  bool is_none() const { return name_.empty() && object_ == nullptr && !callable_; }
  bool is_name() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  /// Null unless an object was given.
  const std::shared_ptr<Base>& object() const { return object_; }
  /// Empty unless a callable was given.
  const std::function<Signature>& callable() const { return callable_; }

 private:
  std::string name_;
  std::shared_ptr<Base> object_;
  std::function<Signature> callable_;
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
