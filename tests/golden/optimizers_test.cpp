#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <nyala/constraint.hpp>
#include <nyala/optimizer.hpp>
#include <nyala/register.hpp>
#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

#include "autograd/variable_impl.hpp"
#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

Config optimizer_object(const Json& one) {
  Config object = Config::object();
  object["class_name"] = one.at("class_name").get<std::string>();
  object["config"] = golden::config_of(one.at("config"));
  return object;
}

std::vector<Variable> variables_of(const Json& one) {
  std::vector<Variable> variables;
  for (std::size_t i = 0; i < one.at("initial").size(); ++i) {
    VariableOptions options;
    options.name = "variable_" + std::to_string(i);
    variables.emplace_back(golden::tensor_of(one.at("initial")[i]), options);
    const Json& constraint = one.at("constraints")[i];
    if (!constraint.is_null())
      variables.back().impl()->constraint = resolve(constraint_from_config(golden::config_of(constraint)), "golden");
  }
  return variables;
}

std::vector<Tensor> values_of(const std::vector<Variable>& variables) {
  std::vector<Tensor> values;
  for (const Variable& variable : variables) values.push_back(variable.value().clone());
  return values;
}

void check_state(const Json& one, const Optimizer& optimizer, Findings& findings) {
  const Json& expected = one.at("optimizer_variables");
  const std::vector<Variable> state = optimizer.variables();
  if (state.size() != expected.size()) {
    findings.note("optimizer_variables",
                  std::to_string(state.size()) + " instead of " + std::to_string(expected.size()));
    return;
  }
  for (std::size_t i = 0; i < state.size(); ++i) {
    const std::string path = expected[i].at("path").get<std::string>();
    // Keras counts in int32; how wide the counter is in memory is no part of the state.
    if (path == "iteration")
      CHECK(state[i].value().item<std::int64_t>() == expected[i].at("value").at("data")[0].get<std::int64_t>());
    else
      findings.compare(path, state[i].value(), expected[i].at("value"));
  }
}

void check_optimizer(const Json& one, Findings& findings) {
  const std::shared_ptr<Optimizer> optimizer = optimizer_from_config(optimizer_object(one));
  findings.note("config", golden::difference(optimizer->config(), golden::config_of(one.at("config")),
                                             {"module", "registered_name", "build_config"}));
  const std::vector<Variable> variables = variables_of(one);
  const auto excluded = one.at("excluded_from_weight_decay").get<std::vector<std::string>>();
  if (!excluded.empty()) optimizer->exclude_from_weight_decay(excluded);
  int step = 0;
  for (const Json& row : one.at("steps")) {
    const std::string where = "step " + std::to_string(step++) + " ";
    findings.compare(where + "learning_rate", Tensor(optimizer->learning_rate()), row.at("learning_rate"),
                     {.relative = 1e-5, .absolute = 1e-9});
    optimizer->apply(golden::tensors_of(row, "gradients"), variables);
    findings.compare_all(where + "variables", values_of(variables), row.at("variables"));
    if (!findings.text().empty()) return;  // later steps would only repeat it
  }
  check_state(one, *optimizer, findings);
  optimizer->finalize_variable_values(variables);
  findings.compare_all("finalized", values_of(variables), one.at("finalized"));
}

bool is_known(const std::string& class_name) {
  for (const auto& entry : detail::builtin_optimizers()) {
    if (entry.class_name == class_name) return true;
  }
  return false;
}

void check_schedule(const Json& one, Findings& findings) {
  for (const auto& entry : detail::builtin_learning_rate_schedules()) {
    if (entry.class_name != one.at("class_name").get<std::string>()) continue;
    const std::shared_ptr<LearningRateSchedule> schedule = entry.make(golden::config_of(one.at("config")));
    findings.note("config", golden::difference(schedule->config(), golden::config_of(one.at("config")), {}));
    std::vector<float> values;
    for (const Json& step : one.at("steps"))
      values.push_back(static_cast<float>((*schedule)(step.get<std::int64_t>())));
    findings.compare("values", tensor(values), one.at("values"), {.relative = 2e-5, .absolute = 1e-8});
    return;
  }
  findings.note("class", "is unknown");
}

}  // namespace

TEST_CASE("golden: optimizers") { golden::run_family("optimizers", check_optimizer); }

TEST_CASE("golden: optimizers_later") {
  golden::run_family("optimizers_later", check_optimizer,
                     [](const Json& one) { return !is_known(one.at("class_name").get<std::string>()); });
}

TEST_CASE("golden: schedules") { golden::run_family("schedules", check_schedule); }
