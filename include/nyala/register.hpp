#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

class Initializer;
class Regularizer;
class Constraint;
class Loss;
class Metric;
class Optimizer;
class LearningRateSchedule;

/// Makes an object from its config(); a null config stands for the defaults.
template <class Base>
using Factory = std::function<std::shared_ptr<Base>(const Config& config)>;

/// Makes a class of one's own known by name: to strings ("MyLoss") and to files. The name is "package>Name", where Name
/// is what class_name() gives; "Name" alone means "Custom>Name". A second registration of a name replaces the first.
/// https://keras.io/api/saving/serialization_utils/#registerkerasserializable-function
void register_initializer(const std::string& name, Factory<Initializer> make);
void register_regularizer(const std::string& name, Factory<Regularizer> make);
void register_constraint(const std::string& name, Factory<Constraint> make);
void register_loss(const std::string& name, Factory<Loss> make);
void register_metric(const std::string& name, Factory<Metric> make);
void register_optimizer(const std::string& name, Factory<Optimizer> make);
void register_learning_rate_schedule(const std::string& name, Factory<LearningRateSchedule> make);

/// A class of Keras' own catalogue: its name, what else it is called, and how to make it.
template <class Base>
struct CatalogueEntry {
  std::string class_name;
  std::vector<std::string> aliases;
  Factory<Base> make;
};

namespace detail {
// The catalogues; each is one function, so that no linker drops an entry.
std::vector<CatalogueEntry<Loss>> builtin_losses();
std::vector<CatalogueEntry<Metric>> builtin_metrics();
std::vector<CatalogueEntry<Optimizer>> builtin_optimizers();
std::vector<CatalogueEntry<LearningRateSchedule>> builtin_learning_rate_schedules();
/// `inner` with a loss scale that follows the gradients: what compile makes of it under mixed_float16.
std::shared_ptr<Optimizer> loss_scaled(std::shared_ptr<Optimizer> inner);
/// The mean of a function of y_true and y_pred.
std::shared_ptr<Metric> metric_of_function(std::function<Tensor(const Tensor&, const Tensor&)> function,
                                           const std::string& name);
/// The mean of a loss over the batches, under its name; of Keras' function of that name, over the samples.
std::shared_ptr<Metric> metric_of_loss(std::shared_ptr<Loss> loss, const std::string& function = {});
}  // namespace detail

/// The entry of a class with a static from_config(config).
template <class Base, std::derived_from<Base> Derived>
CatalogueEntry<Base> catalogue_entry(std::string class_name, std::vector<std::string> aliases = {}) {
  return {std::move(class_name), std::move(aliases),
          [](const Config& config) { return std::make_shared<Derived>(Derived::from_config(config)); }};
}

}  // namespace nyala
