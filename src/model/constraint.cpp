#include <nyala/constraint.hpp>

#include <nyala/constraints.hpp>
#include <nyala/register.hpp>

#include "model/class_registry.hpp"

namespace nyala {

namespace {

class CallableConstraint : public Constraint {
 public:
  explicit CallableConstraint(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {}
  Tensor operator()(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

std::vector<CatalogueEntry<Constraint>> builtin_constraints() {
  using C = Constraint;
  return {catalogue_entry<C, MaxNorm>("MaxNorm", {"max_norm"}),
          catalogue_entry<C, MinMaxNorm>("MinMaxNorm", {"min_max_norm"}),
          catalogue_entry<C, NonNeg>("NonNeg", {"non_neg"}), catalogue_entry<C, UnitNorm>("UnitNorm", {"unit_norm"})};
}

detail::Registry<Constraint>& constraint_registry() {
  static detail::Registry<Constraint> instance("constraint", "keras.constraints", builtin_constraints());
  return instance;
}

}  // namespace

void register_constraint(const std::string& name, Factory<Constraint> make) {
  constraint_registry().add(name, std::move(make));
}

std::shared_ptr<Constraint> resolve(const ConstraintRef& ref, const std::string& owner) {
  if (ref.is_name()) return constraint_registry().make(ref.name(), Config::object(), owner);
  if (ref.callable()) return std::make_shared<CallableConstraint>(ref.callable());
  return ref.object();
}

Config to_config(const std::shared_ptr<Constraint>& constraint) {
  if (constraint == nullptr) return {};
  if (dynamic_cast<const CallableConstraint*>(constraint.get()) != nullptr) return detail::function_config("<lambda>");
  return constraint_registry().to_config(*constraint, constraint->class_name(), constraint->config());
}

ConstraintRef constraint_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (detail::is_function_config(config))
    return constraint_registry().make(config.at("config").as_string(), Config(), "config");
  // Keras' base class, which constrains nothing.
  if (config.is_object() && config.get("class_name") == Config("Constraint") &&
      !config.get("registered_name").is_string())
    return {};
  return constraint_registry().from_config(config, "config");
}

}  // namespace nyala
