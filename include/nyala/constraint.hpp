#pragma once

#include <memory>
#include <string>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// A projection of a weight after each optimizer step. https://keras.io/api/layers/constraints/
class Constraint {
 public:
  virtual ~Constraint() = default;
  virtual Tensor operator()(const Tensor& x) = 0;
  virtual std::string class_name() const { return {}; }
  virtual Config config() const { return Config::object(); }
};

std::shared_ptr<Constraint> resolve(const ConstraintRef& ref, const std::string& owner);
Config to_config(const std::shared_ptr<Constraint>& constraint);
ConstraintRef constraint_from_config(const Config& config);
/// What Keras writes for a reference.
inline Config to_config(const ConstraintRef& ref) { return to_config(resolve(ref, "config")); }

}  // namespace nyala
