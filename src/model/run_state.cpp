#include "model/run_state.hpp"

#include <iostream>
#include <map>
#include <memory>
#include <typeinfo>
#include <unordered_set>

#include <nyala/error.hpp>

#include "core/printable.hpp"
#include "model/class_registry.hpp"
#include "model/label_kind.hpp"
#include "model/layer_state.hpp"
#include "model/step.hpp"

namespace nyala::detail {

namespace {

std::string numbered(const std::string& prefix, std::size_t number) { return prefix + "/" + std::to_string(number); }

void add(SavedState& state, const std::string& prefix, const std::vector<Variable>& variables) {
  for (std::size_t i = 0; i < variables.size(); ++i) state.tensors[numbered(prefix, i)] = variables[i].value();
  state.values[prefix] = variables.size();
}

void check(const SavedState& state, const std::string& prefix, const std::vector<Variable>& variables,
           const std::string& owner) {
  const std::int64_t count = state.values.at(prefix).as_integer();
  if (count != static_cast<std::int64_t>(variables.size())) {
    throw Error(owner + " has " + std::to_string(variables.size()) + " variables (" + prefix + "), the backup " +
                std::to_string(count));
  }
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto found = state.tensors.find(numbered(prefix, i));
    if (found == state.tensors.end()) throw Error("\"" + numbered(prefix, i) + "\" is missing");
    const Tensor& value = found->second;
    if (value.shape() == variables[i].shape() && value.dtype() == variables[i].dtype()) continue;
    throw Error(owner + " has \"" + variables[i].path() + "\" as " + name_of(variables[i].dtype()) + " " +
                variables[i].shape().str() + ", the backup as " + name_of(value.dtype()) + " " + value.shape().str());
  }
}

void load(const SavedState& state, const std::string& prefix, const std::vector<Variable>& variables) {
  for (std::size_t i = 0; i < variables.size(); ++i) variables[i].assign(state.tensors.at(numbered(prefix, i)));
}

/// Random streams and variables that are no weights, of all layers.
struct Kept {
  std::vector<SeedGenerator> seeds;
  std::vector<Variable> variables;

  explicit Kept(const Layer& layer) { visit(state_of(layer)); }

 private:
  void visit(const LayerState& state) {
    if (!visited_.insert(&state).second) return;
    seeds.insert(seeds.end(), state.seeds.begin(), state.seeds.end());
    variables.insert(variables.end(), state.kept.begin(), state.kept.end());
    for (const LayerState::Child& child : state.children) visit(state_of(*child.layer));
  }
  std::unordered_set<const LayerState*> visited_;
};

SeedGenerator::State seed_from(const Config& config) {
  if (config.size() != 2) throw Error("a random stream is two numbers, not " + config.json());
  return {static_cast<std::uint64_t>(config[0].as_integer()), static_cast<std::uint64_t>(config[1].as_integer())};
}

}  // namespace

void save_model(const Model& model, SavedState& state) {
  const Kept kept(model);
  add(state, "weights", model.weights());
  add(state, "kept", kept.variables);
  add(state, "optimizer", model.optimizer().variables());
  state.values["optimizer_class"] = model.optimizer().class_name();
  Config seeds = Config::array();
  for (const SeedGenerator& seed : kept.seeds) {
    const SeedGenerator::State now = seed.state();
    seeds.push_back(Config::array({static_cast<std::int64_t>(now.seed), static_cast<std::int64_t>(now.counter)}));
  }
  state.values["seeds"] = seeds;
}

void check_model(Model& model, const SavedState& state, const std::function<Tensors()>& first) {
  const std::string name = "the model \"" + model.name() + "\"";
  const auto lacks = [&](const char* what, std::size_t found) {
    return state.values.at(what).as_integer() > static_cast<std::int64_t>(found);
  };
  if (lacks("weights", model.weights().size()) || lacks("kept", Kept(model).variables.size())) {
    predict_step(model, first());
  }
  check(state, "weights", model.weights(), name);
  const Kept kept(model);
  check(state, "kept", kept.variables, name);
  Optimizer& optimizer = model.optimizer();
  if (state.values.at("optimizer_class") != Config(optimizer.class_name())) {
    throw Error("the optimizer is " + Config(optimizer.class_name()).json() + " and was " +
                state.values.at("optimizer_class").json());
  }
  if (!optimizer.built() && lacks("optimizer", optimizer.variables().size())) {
    optimizer.build(model.trainable_variables());
  }
  check(state, "optimizer", optimizer.variables(), "the optimizer \"" + optimizer.name() + "\"");
  const Config& seeds = state.values.at("seeds");
  if (seeds.size() != kept.seeds.size()) {
    throw Error(name + " has " + std::to_string(kept.seeds.size()) + " random streams, the backup " +
                std::to_string(seeds.size()));
  }
  for (const Config& seed : seeds.items()) seed_from(seed);
}

void load_model(Model& model, const SavedState& state) {
  Kept kept(model);
  load(state, "weights", model.weights());
  load(state, "kept", kept.variables);
  load(state, "optimizer", model.optimizer().variables());
  for (std::size_t i = 0; i < kept.seeds.size(); ++i) {
    kept.seeds[i].set_state(seed_from(state.values.at("seeds")[i]));
  }
}

namespace {

Config mean_config(const RunningMean& mean) { return Config::array({mean.sum(), mean.count}); }

RunningMean mean_from(const Config& config) {
  if (config.size() != 2) throw Error("a running mean is two numbers, not " + config.json());
  return {config[0].as_double(), config[1].as_double()};
}

/// The tensors of one object among several go under "prefix/name".
void add(SavedState& state, const std::string& prefix, const SavedState& part) {
  for (const auto& [name, tensor] : part.tensors) state.tensors[prefix + "/" + name] = tensor;
}

SavedState part_of(const SavedState& state, const std::string& prefix, const Config& values) {
  SavedState part{values, {}};
  const std::string begin = prefix + "/";
  for (auto at = state.tensors.lower_bound(begin); at != state.tensors.end() && at->first.starts_with(begin); ++at) {
    part.tensors.emplace(at->first.substr(begin.size()), at->second);
  }
  return part;
}

}  // namespace

void save_running(const Compiled& compiled, SavedState& state) {
  Config running = Config::object({{"loss", mean_config(compiled.loss)},
                                   {"outputs", compiled.losses.size()},
                                   {"output_losses", Config::array()},
                                   {"metric_names", compiled.metric_names},
                                   {"metrics", Config::array()},
                                   {"metric_classes", Config::array()},
                                   {"added", Config::object()}});
  for (const RunningMean& mean : compiled.output_losses) running["output_losses"].push_back(mean_config(mean));
  for (std::size_t i = 0; i < compiled.metrics.size(); ++i) {
    const auto& metric = compiled.metrics[i].metric;
    const SavedState kept = metric == nullptr ? SavedState() : metric->state();
    running["metrics"].push_back(kept.values);
    running["metric_classes"].push_back(metric == nullptr ? "" : metric->class_name());
    add(state, numbered("metrics", i), kept);
  }
  for (const auto& [name, mean] : compiled.added_metrics) running["added"][name] = mean_config(mean);
  state.values["running"] = running;
}

void check_running(const Compiled& compiled, const SavedState& state) {
  const Config& running = state.values.at("running");
  if (compiled.resolved && running.at("metric_names") != Config(compiled.metric_names)) {
    throw Error("the metrics are " + Config(compiled.metric_names).json() + " and were " +
                running.at("metric_names").json());
  }
  if (compiled.resolved && running.at("outputs") != Config(compiled.losses.size())) {
    throw Error("the model has " + std::to_string(compiled.losses.size()) + " outputs and had " +
                running.at("outputs").json());
  }
  if (running.at("metrics").size() != running.at("metric_names").size()) throw Error("a metric's state is missing");
  if (running.at("metric_classes").size() != running.at("metrics").size()) throw Error("a metric's class is missing");
  mean_from(running.at("loss"));
  for (const Config& mean : running.at("output_losses").items()) mean_from(mean);
  for (const auto& [name, mean] : running.at("added").entries()) mean_from(mean);
}

namespace {

/// The metric that the first batch resolved the reference to.
std::shared_ptr<Metric> metric_of(const MetricRef& reference, const std::string& class_name) {
  if (!reference.is_name() || !depends_on_labels(reference.name())) return resolve(reference, {}, {}, "compile");
  const auto metric = resolve(MetricRef(class_name), {}, {}, "fit");
  metric->set_name(reference.name());
  return metric;
}

}  // namespace

void load_running(const Model& model, Compiled& compiled, const SavedState& state) {
  const Config& running = state.values.at("running");
  if (!compiled.resolved) {
    resolve_outputs(model, compiled, static_cast<std::size_t>(running.at("outputs").as_integer()));
  }
  compiled.loss = mean_from(running.at("loss"));
  const Config& losses = running.at("output_losses");
  for (std::size_t i = 0; i < compiled.output_losses.size() && i < losses.size(); ++i) {
    compiled.output_losses[i] = mean_from(losses[i]);
  }
  for (std::size_t i = 0; i < compiled.metrics.size() && i < running.at("metrics").size(); ++i) {
    const Config& values = running.at("metrics")[i];
    const std::string& class_name = running.at("metric_classes")[i].as_string();
    Compiled::OutputMetric& entry = compiled.metrics[i];
    if (class_name.empty() && values.is_null()) continue;
    if (entry.metric == nullptr) entry.metric = metric_of(entry.reference, class_name);
    if (!values.is_null()) entry.metric->restore(part_of(state, numbered("metrics", i), values));
  }
  compiled.added_metrics.clear();
  for (const auto& [name, mean] : running.at("added").entries()) {
    compiled.added_metrics.emplace_back(name, mean_from(mean));
  }
}

namespace {

std::string class_of(const Callback& callback) { return demangled(typeid(callback).name()); }

}  // namespace

void save_callbacks(const CallbackList& callbacks, SavedState& state) {
  Config list = Config::array();
  for (const auto& callback : callbacks.callbacks()) {
    const SavedState kept = callback->state();
    add(state, numbered("callbacks", list.size()), kept);
    list.push_back(Config::object({{"class", class_of(*callback)}, {"values", kept.values}}));
  }
  state.values["callbacks"] = list;
}

void load_callbacks(const CallbackList& callbacks, const SavedState& state) {
  const Config& list = state.values.at("callbacks");
  std::vector<bool> taken(list.size(), false);
  const auto warn = [](const std::string& what) {
    std::cerr << "nyala: warning: fit: " << detail::printable(what) << std::endl;
  };
  for (const auto& callback : callbacks.callbacks()) {
    const std::string name = class_of(*callback);
    std::size_t i = 0;
    while (i < list.size() && (taken[i] || list[i].at("class") != Config(name))) ++i;
    if (i == list.size()) {
      if (!callback->state().values.is_null()) {
        warn("the callback " + name + " is not in the backup and starts anew in the middle of the training");
      }
      continue;
    }
    taken[i] = true;
    const Config& values = list[i].at("values");
    if (!values.is_null()) callback->restore(part_of(state, numbered("callbacks", i), values));
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (taken[i] || list[i].at("values").is_null()) continue;
    warn("the backup was made with the callback " + list[i].at("class").as_string() + ", which is missing now");
  }
}

void save_history(const History& history, const Logs& logs, SavedState& state) {
  Config past = Config::object(), last = Config::object();
  for (const auto& [name, values] : history.history) past[name] = values;
  for (const auto& [name, value] : logs) last[name] = value;
  state.values["history"] = past;
  state.values["epochs"] = history.epoch;
  state.values["logs"] = last;
}

void load_history(History& history, Logs& logs, const SavedState& state) {
  history = {};
  for (const auto& [name, values] : state.values.at("history").entries()) {
    for (const Config& value : values.items()) history.history[name].push_back(value.as_double());
  }
  for (const Config& epoch : state.values.at("epochs").items()) history.epoch.push_back(epoch.as_int());
  logs.clear();
  for (const auto& [name, value] : state.values.at("logs").entries()) logs.insert_or_assign(name, value.as_double());
}

}  // namespace nyala::detail
