#include <algorithm>
#include <map>

#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/optimizers/multi_optimizer.hpp>
#include <nyala/register.hpp>

namespace nyala {

MultiOptimizer::MultiOptimizer(const OptimizerMap& optimizers, MultiOptimizerOptions options)
    : Optimizer({.learning_rate = 1.0, .loss_scale_factor = options.loss_scale_factor, .name = options.name},
                "multi_optimizer"),
      owners_(std::make_shared<std::vector<std::size_t>>()) {
  for (const auto& [path, optimizer] : optimizers.by_path) {
    if (std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.path.text() == path; }))
      throw Error("MultiOptimizer: the path \"" + path + "\" was given twice");
    rules_.push_back({PathPattern(path, "MultiOptimizer"), add(resolve(optimizer, "MultiOptimizer"))});
  }
  default_ = add(resolve(optimizers.default_optimizer, "MultiOptimizer"));
  Optimizer::set_learning_rate(0.0);  // its own is never used; files hold it as 0
}

std::size_t MultiOptimizer::add(std::shared_ptr<Optimizer> optimizer) {
  if (optimizer == nullptr) throw Error("MultiOptimizer: an optimizer is needed, got none");
  if (!optimizer->optimizers().empty() || optimizer->inner_optimizer() != nullptr)
    throw Error("MultiOptimizer: the optimizers must not wrap others, got a " + optimizer->class_name());
  const auto known = std::find(given_.begin(), given_.end(), optimizer);
  if (known != given_.end()) return static_cast<std::size_t>(known - given_.begin());
  given_.push_back(optimizer);
  if (optimizer->options().loss_scale_factor) {
    Config config = to_config(*optimizer);
    config["config"]["loss_scale_factor"] = nullptr;
    optimizer = optimizer_from_config(config);
  }
  optimizers_.push_back(std::move(optimizer));
  return optimizers_.size() - 1;
}

std::size_t MultiOptimizer::optimizer_of(const std::string& path) const {
  const Rule* found = nullptr;
  for (const Rule& rule : rules_) {
    if (rule.path.text() == path) return rule.optimizer;
  }
  for (const Rule& rule : rules_) {
    if (!rule.path.fits(path)) continue;
    if (found != nullptr) {
      throw Error(name() + ": several optimizers are meant for the variable " + path + ": \"" + found->path.text() +
                  "\" and \"" + rule.path.text() + "\"");
    }
    found = &rule;
  }
  return found != nullptr ? found->optimizer : default_;
}

void MultiOptimizer::build(const std::vector<Variable>& variables) {
  const bool first = !built();
  Optimizer::build(variables);
  if (!first) return;
  std::vector<std::vector<Variable>> parts(optimizers_.size());
  for (const Variable& variable : variables) {
    owners_->push_back(optimizer_of(variable.path()));
    parts[owners_->back()].push_back(variable);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) optimizers_[i]->build(parts[i]);
  }
}

void MultiOptimizer::make_slots(const std::vector<Variable>&) {}

void MultiOptimizer::update(const Tensor&, const Variable&, std::size_t, double) {
  throw Error("MultiOptimizer: the optimizers that it holds update the variables");
}

std::size_t MultiOptimizer::owner(const Variable& variable, std::size_t hint) const {
  const std::size_t count = owners_->size();
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t place = (hint + step) % count;
    if (trained(place).is(variable)) return (*owners_)[place];
  }
  throw Error(name() + ": the variable \"" + variable.path() + "\" is none of those that it was built with");
}

void MultiOptimizer::apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  if (gradients.size() != variables.size()) {
    throw Error(name() + ": apply takes one gradient per variable, got " + std::to_string(gradients.size()) +
                " gradients and " + std::to_string(variables.size()) + " variables");
  }
  if (gradients.empty()) return;
  if (!built()) build(variables);
  const std::optional<double> factor = options().loss_scale_factor;
  std::vector<std::vector<Tensor>> parts(optimizers_.size());
  std::vector<std::vector<Variable>> trained(optimizers_.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const std::size_t part = owner(variables[i], i);
    parts[part].push_back(factor && gradients[i].defined() ? gradients[i] / *factor : gradients[i]);
    trained[part].push_back(variables[i]);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) optimizers_[i]->apply(parts[i], trained[i]);
  }
  set_iterations(iterations() + 1);
}

double MultiOptimizer::learning_rate() const {
  throw Error(name() + ": there is no one learning rate; each of its optimizers() has its own");
}

void MultiOptimizer::set_learning_rate(double) {
  throw Error(name() + ": there is no one learning rate to set; each of its optimizers() has its own");
}

std::vector<Variable> MultiOptimizer::variables() const {
  std::vector<Variable> all = Optimizer::variables();
  for (const auto& optimizer : optimizers_) {
    const std::vector<Variable> own = optimizer->variables();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void MultiOptimizer::finalize_variable_values(const std::vector<Variable>& variables) {
  if (!built()) return;
  std::vector<std::vector<Variable>> parts(optimizers_.size());
  for (std::size_t i = 0; i < variables.size(); ++i) parts[owner(variables[i], i)].push_back(variables[i]);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) optimizers_[i]->finalize_variable_values(parts[i]);
  }
}

Config MultiOptimizer::config() const {
  const auto written = [&](std::size_t i) {
    Config object = to_config(*optimizers_[i]);
    object["config"]["loss_scale_factor"] = options().loss_scale_factor;
    // One that several paths share stays one: they are told apart by the number, as in Keras' archives.
    const auto uses =
        std::count_if(rules_.begin(), rules_.end(), [&](const Rule& rule) { return rule.optimizer == i; });
    if (uses + (default_ == i ? 1 : 0) > 1) object["shared_object_id"] = static_cast<std::int64_t>(i) + 1;
    return object;
  };
  Config by_path = Config::object();
  for (const Rule& rule : rules_) by_path[rule.path.text()] = written(rule.optimizer);
  return Config::object(
      {{"optimizer_map",
        Config::keras_object("keras.optimizers", "OptimizerMap",
                             Config::object({{"default_optimizer", written(default_)}, {"optimizer_map", by_path}}))},
       {"loss_scale_factor", options().loss_scale_factor},
       {"name", name()}});
}

MultiOptimizer MultiOptimizer::from_config(const Config& config) {
  const Config& map = config.at("optimizer_map");
  if (!map.is_object() || map.get("class_name") != Config("OptimizerMap")) {
    throw Error("MultiOptimizer: optimizer_map must be an OptimizerMap, not a function of Python, got " +
                map.json().substr(0, 80));
  }
  std::map<std::string, std::shared_ptr<Optimizer>> shared;
  const auto read = [&](const Config& object) {
    const Config& number = object.get("shared_object_id");
    if (!number.is_number()) return optimizer_from_config(object);
    std::shared_ptr<Optimizer>& one = shared[number.json()];
    if (one == nullptr) one = optimizer_from_config(object);
    return one;
  };
  OptimizerMap optimizers{read(map.at("config").at("default_optimizer")), {}};
  for (const auto& [path, object] : map.at("config").at("optimizer_map").entries())
    optimizers.by_path.emplace_back(path, read(object));
  return MultiOptimizer(
      optimizers, {.loss_scale_factor = config.optional_double("loss_scale_factor"), .name = config.get("name", "")});
}

}  // namespace nyala
