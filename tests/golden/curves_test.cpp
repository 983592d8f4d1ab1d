#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/ops/indexing.hpp>

#include "support/golden.hpp"
#include "support/golden_models.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

void check_logs(const std::string& where, const Logs& logs, const Json& expected, Findings& findings) {
  for (const auto& [key, value] : expected.items()) {
    const auto found = logs.find(key);
    if (found == logs.end())
      findings.note(where, "no \"" + key + "\" in the logs");
    else
      findings.compare(where + key, Tensor(found->second), value, {.relative = 1e-4, .absolute = 1e-6});
  }
  if (logs.size() != expected.size()) findings.note(where, std::to_string(logs.size()) + " logs");
}

Tensor batch_indices(std::int64_t step, std::int64_t batch, std::int64_t rows) {
  std::vector<std::int32_t> at;
  for (std::int64_t i = 0; i < batch; ++i) at.push_back(static_cast<std::int32_t>((step * batch + i) % rows));
  return tensor(at);
}

std::vector<Tensor> rows_of(const std::vector<Tensor>& whole, const Tensor& at) {
  std::vector<Tensor> parts;
  for (const Tensor& one : whole) parts.push_back(take(one, at, 0));
  return parts;
}

void check_curve(const Json& one, Findings& findings) {
  const std::string name = one.at("name").get<std::string>();
  Model model = golden::models().at(name)();
  golden::compile_model(name, model);
  const std::vector<Tensor> x = golden::tensors_of(one, "x"), y = golden::tensors_of(one, "y");
  model.set_weights(golden::tensors_of(one, "weights"));
  const int batch = one.at("batch_size").get<int>();
  std::int64_t step = 0;
  for (const Json& expected : one.at("logs")) {
    const Tensor at = batch_indices(step, batch, x[0].shape()[0]);
    const Logs logs = model.train_on_batch(rows_of(x, at), rows_of(y, at));
    check_logs("step " + std::to_string(step++) + " ", logs, expected, findings);
    if (!findings.text().empty()) return;  // later steps would only repeat it
  }
  const golden::Tolerance trained{.relative = 1e-3, .absolute = 1e-4};
  // The keys' bias adds the same to all scores of a query: its gradient is rounding alone, which Adam scales up.
  std::vector<Tensor> trained_weights;
  Json expected_weights = Json::array();
  const std::vector<Variable> variables = model.weights();
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].path() == "key/bias") continue;
    trained_weights.push_back(variables[i].value());
    expected_weights.push_back(one.at("final_weights")[i]);
  }
  findings.compare_all("final weight", trained_weights, expected_weights, trained);
  findings.compare_all("prediction", model.predict(x, {.batch_size = batch, .verbose = 0}).vector(),
                       one.at("predictions"), trained);
  check_logs("evaluate ", model.evaluate(x, y, {.batch_size = batch, .verbose = 0}), one.at("evaluate"), findings);
}

}  // namespace

TEST_CASE("golden: curves") { golden::run_family("curves", check_curve); }
