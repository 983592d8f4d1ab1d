#include <algorithm>
#include <set>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/register.hpp>

#include "model/log_entries.hpp"
#include "model/model_state.hpp"
#include "model/step.hpp"
#include "model/suggest.hpp"

namespace nyala {

using detail::Compiled;

namespace {

template <class Map>
void check_outputs(const Map& by_name, const std::vector<std::string>& outputs, const std::string& what) {
  for (const auto& [name, value] : by_name) {
    if (std::find(outputs.begin(), outputs.end(), name) != outputs.end()) continue;
    std::string listed;
    for (const std::string& output : outputs) listed += (listed.empty() ? "" : ", ") + output;
    throw Error("compile: " + what + " names the output \"" + name + "\"" + detail::did_you_mean(name, outputs) +
                "; the outputs are: " + listed);
  }
}

void check_metrics(const Metrics& metrics) {
  const auto check = [](const std::vector<MetricRef>& list) {
    for (const MetricRef& metric : list) {
      if (metric.is_name()) check_metric_name(metric.name(), "compile");
    }
  };
  check(metrics.list());
  for (const auto& list : metrics.per_output()) check(list);
  for (const auto& [name, list] : metrics.by_name()) check(list);
}

/// The metrics that are given for one of several outputs.
std::vector<MetricRef> metrics_of(const Metrics& metrics, std::size_t output, const std::vector<std::string>& names,
                                  const char* what) {
  if (!metrics.by_name().empty()) {
    check_outputs(metrics.by_name(), names, what);
    const auto found = metrics.by_name().find(names[output]);
    return found == metrics.by_name().end() ? std::vector<MetricRef>() : found->second;
  }
  if (!metrics.per_output().empty()) {
    if (metrics.per_output().size() != names.size()) {
      throw Error(std::string("compile: ") + what + " has " + std::to_string(metrics.per_output().size()) +
                  " entries, the model has " + std::to_string(names.size()) + " outputs");
    }
    return metrics.per_output()[output];
  }
  if (names.size() == 1 || metrics.list().empty()) return metrics.list();
  if (metrics.list().size() != names.size()) {
    throw Error(std::string("compile: a model of several outputs takes as many entries in ") + what +
                " as it has outputs (" + std::to_string(names.size()) + "), got " +
                std::to_string(metrics.list().size()));
  }
  return {metrics.list()[output]};
}

std::string given_name(const MetricRef& metric) {
  if (metric.is_name()) return metric.name();
  if (metric.object() != nullptr) return metric.object()->name();
  return "metric";
}

}  // namespace

void Model::compile(const OptimizerRef& optimizer, const Losses& loss, const CompileOptions& options) {
  Compiled compiled;
  compiled.optimizer = resolve(optimizer, "compile");
  if (compiled.optimizer == nullptr) throw Error("compile: an optimizer is needed, got none");
  const bool scales =
      compiled.optimizer->inner_optimizer() != nullptr || compiled.optimizer->options().loss_scale_factor.has_value();
  compiled.wrapped = options.auto_scale_loss && dtype_policy().name() == "mixed_float16" && !scales;
  if (compiled.wrapped) compiled.optimizer = detail::loss_scaled(std::move(compiled.optimizer));
  compiled.losses_given = loss;
  compiled.options = options;
  for (const LossRef& reference : loss.list()) resolve(reference, "compile");
  for (const auto& [name, reference] : loss.by_name()) resolve(reference, "compile: output \"" + name + "\"");
  check_metrics(options.metrics);
  check_metrics(options.weighted_metrics);
  if (options.steps_per_execution < 1) {
    throw Error("compile: steps_per_execution must be at least 1, got " + std::to_string(options.steps_per_execution));
  }
  if (!model_->outputs.empty()) detail::resolve_outputs(*this, compiled, model_->outputs.size());
  model_->compiled = std::move(compiled);
}

namespace detail {

Compiled& require_compiled(const Model& model, const char* where) {
  ModelState& state = *model.model_state();
  if (!state.compiled) {
    throw Error(std::string(where) + ": the model \"" + model.name() +
                "\" is not compiled; call compile(optimizer, loss) first");
  }
  return *state.compiled;
}

void resolve_outputs(const Model& model, Compiled& compiled, std::size_t outputs) {
  ModelState& state = *model.model_state();
  state.output_count = outputs;
  const std::vector<std::string> names = output_names_of(state, outputs);
  const Losses& given = compiled.losses_given;
  if (!given.by_name().empty()) check_outputs(given.by_name(), names, "loss");
  if (given.list().size() > 1 && given.list().size() != outputs) {
    throw Error("compile: loss has " + std::to_string(given.list().size()) + " entries, the model has " +
                std::to_string(outputs) + " outputs");
  }
  const LossWeights& weights = compiled.options.loss_weights;
  if (!weights.by_name().empty()) check_outputs(weights.by_name(), names, "loss_weights");
  if (!weights.list().empty() && weights.list().size() != outputs) {
    throw Error("compile: loss_weights has " + std::to_string(weights.list().size()) + " entries, the model has " +
                std::to_string(outputs) + " outputs");
  }
  compiled.losses.clear();
  compiled.loss_weights.clear();
  compiled.metrics.clear();
  compiled.loss_names.clear();
  std::set<std::string> taken{"loss"};
  for (std::size_t i = 0; i < outputs; ++i) {
    LossRef reference;
    if (given.list().size() == 1)
      reference = given.list().front();
    else if (!given.list().empty())
      reference = given.list()[i];
    else if (given.by_name().count(names[i]) != 0)
      reference = given.by_name().at(names[i]);
    compiled.losses.push_back(resolve(reference, "compile"));
    double weight = 1.0;
    if (!weights.list().empty())
      weight = weights.list()[i];
    else if (weights.by_name().count(names[i]) != 0)
      weight = weights.by_name().at(names[i]);
    compiled.loss_weights.push_back(weight);
    if (outputs > 1) {
      compiled.loss_names.push_back(names[i] + "_loss");
      taken.insert(compiled.loss_names.back());
    }
  }
  compiled.metric_names.clear();
  for (const bool weighted : {false, true}) {
    const Metrics& all = weighted ? compiled.options.weighted_metrics : compiled.options.metrics;
    for (std::size_t i = 0; i < outputs; ++i) {
      for (const MetricRef& metric : metrics_of(all, i, names, weighted ? "weighted_metrics" : "metrics")) {
        if (metric.is_none()) continue;
        const std::string own = given_name(metric);
        const std::string prefix = outputs > 1 ? names[i] + "_" : "";
        std::string base = prefix + own;
        if (weighted && taken.count(base) != 0) base = prefix + "weighted_" + own;
        std::string name = base;
        for (int n = 1; taken.count(name) != 0; ++n) name = base + "_" + std::to_string(n);
        taken.insert(name);
        compiled.metrics.push_back({metric, metric.object(), own, i, weighted});
        compiled.metric_names.push_back(name);
      }
    }
  }
  compiled.output_losses.assign(outputs, {});
  compiled.resolved = true;
}

}  // namespace detail

void Model::reset_metrics() { detail::reset_running(detail::require_compiled(*this, "reset_metrics")); }

std::vector<std::string> Model::metrics_names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : detail::running_logs(detail::require_compiled(*this, "metrics_names"))) {
    names.push_back(name);
  }
  return names;
}

std::string Model::metric_direction(const std::string& name) const {
  const std::string bare = detail::metric_of(name.rfind("val_", 0) == 0 ? name.substr(4) : name);
  if (bare == "loss") return "min";
  if (!compiled()) return {};
  const Compiled& compiled = *model_->compiled;
  for (std::size_t i = 0; i < compiled.metric_names.size(); ++i) {
    if (compiled.metric_names[i] != bare) continue;
    if (compiled.metrics[i].metric != nullptr) return compiled.metrics[i].metric->direction();
    return compiled.metrics[i].given_name == "accuracy" || compiled.metrics[i].given_name == "acc" ? "max" : "";
  }
  if (bare.size() > 5 && bare.substr(bare.size() - 5) == "_loss") return "min";
  return {};
}

}  // namespace nyala
