#include <nyala/regularizer.hpp>

#include <nyala/register.hpp>
#include <nyala/regularizers.hpp>

#include "model/class_registry.hpp"

namespace nyala {

namespace {

class CallableRegularizer : public Regularizer {
 public:
  explicit CallableRegularizer(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {}
  Tensor operator()(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

std::vector<CatalogueEntry<Regularizer>> builtin_regularizers() {
  using R = Regularizer;
  return {catalogue_entry<R, L1>("L1", {"l1"}), catalogue_entry<R, L2>("L2", {"l2"}),
          catalogue_entry<R, L1L2>("L1L2", {"l1l2", "l1_l2"}),
          catalogue_entry<R, OrthogonalRegularizer>("OrthogonalRegularizer", {"orthogonal_regularizer"})};
}

detail::Registry<Regularizer>& regularizer_registry() {
  static detail::Registry<Regularizer> instance("regularizer", "keras.regularizers", builtin_regularizers());
  return instance;
}

}  // namespace

void register_regularizer(const std::string& name, Factory<Regularizer> make) {
  regularizer_registry().add(name, std::move(make));
}

std::shared_ptr<Regularizer> resolve(const RegularizerRef& ref, const std::string& owner) {
  if (ref.is_name()) return regularizer_registry().make(ref.name(), Config::object(), owner);
  if (ref.callable()) return std::make_shared<CallableRegularizer>(ref.callable());
  return ref.object();
}

Config to_config(const std::shared_ptr<Regularizer>& regularizer) {
  if (regularizer == nullptr) return {};
  if (dynamic_cast<const CallableRegularizer*>(regularizer.get()) != nullptr)
    return detail::function_config("<lambda>");
  return regularizer_registry().to_config(*regularizer, regularizer->class_name(), regularizer->config());
}

RegularizerRef regularizer_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (detail::is_function_config(config))
    return regularizer_registry().make(config.at("config").as_string(), Config(), "config");
  return regularizer_registry().from_config(config, "config");
}

}  // namespace nyala
