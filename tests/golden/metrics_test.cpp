#include <doctest/doctest.h>

#include <memory>
#include <string>

#include <nyala/metric.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/register.hpp>
#include <nyala/tensor.hpp>

#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

std::shared_ptr<Metric> metric_of(const Json& one) {
  for (const auto& entry : detail::builtin_metrics()) {
    if (entry.class_name == one.at("class_name").get<std::string>())
      return entry.make(golden::config_of(one.at("config")));
  }
  return nullptr;
}

Tensor optional_tensor(const Json& one, const std::string& key) {
  return one.contains(key) ? golden::tensor_of(one.at(key)) : Tensor();
}

void update(Metric& metric, const Json& row) {
  const Tensor weight = optional_tensor(row, "sample_weight");
  if (row.contains("values")) {
    metric.update_state(golden::tensor_of(row.at("values")), weight);
    return;
  }
  Tensor y_pred = golden::tensor_of(row.at("y_pred"));
  if (row.contains("mask")) y_pred = y_pred.with_mask(golden::tensor_of(row.at("mask")));
  metric.update_state(golden::tensor_of(row.at("y_true")), y_pred, weight);
}

void check_metric(const Json& one, Findings& findings) {
  const std::shared_ptr<Metric> metric = metric_of(one);
  if (metric == nullptr) {
    findings.note("class", "is unknown");
    return;
  }
  findings.note("config",
                golden::difference(metric->config(), golden::config_of(one.at("config")), {"name", "label_weights"}));
  int number = 0;
  for (const Json& row : one.at("updates")) {
    update(*metric, row);
    findings.compare("update " + std::to_string(number++), metric->result(), row.at("result"));
  }
  metric->reset_state();
  findings.compare("after reset", metric->result(), one.at("result_after_reset"));
}

Tensor zeros_of(const Json& one, const std::string& shape, const std::string& dtype) {
  return zeros(golden::config_of(one.at(shape)).as_shape(), dtype_from_name(dtype));
}

void check_name(const Json& one, Findings& findings) {
  const Tensor y_true = zeros_of(one, "y_true_shape", one.at("y_true_dtype").get<std::string>());
  const Tensor y_pred = zeros_of(one, "y_pred_shape", "float32");
  const auto metric = resolve(MetricRef(one.at("identifier").get<std::string>()), y_true, y_pred, "golden");
  if (metric->class_name() != one.at("resolved").get<std::string>())
    findings.note("resolved", metric->class_name() + " instead of " + one.at("resolved").get<std::string>());
  if (metric->name() != one.at("identifier").get<std::string>()) findings.note("name", metric->name());
}

}  // namespace

TEST_CASE("golden: metrics") { golden::run_family("metrics", check_metric); }

TEST_CASE("golden: metrics_later") {
  golden::run_family("metrics_later", check_metric, [](const Json& one) { return metric_of(one) == nullptr; });
}

TEST_CASE("golden: small_objects, what \"accuracy\" stands for") {
  golden::run_family("small_objects", check_name, [](const Json& one) { return one.at("kind") != "metric_name"; });
}
