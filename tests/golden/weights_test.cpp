#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <nyala/model.hpp>
#include <nyala/optimizer.hpp>

#include "support/golden.hpp"
#include "support/golden_models.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

Model built_model(const Json& one) {
  const std::string name = one.at("name").get<std::string>();
  Model model = golden::models().at(name)();
  model.predict(golden::tensors_of(one, "inputs"), {.verbose = 0});  // a subclass has weights only once it has run
  if (one.contains("optimizer")) golden::compile_model(name, model);
  return model;
}

void check_weights(const Json& one, const Model& model, Findings& findings) {
  const Json& expected = one.at("weights");
  const std::vector<Tensor> weights = model.get_weights();
  if (weights.size() != expected.size())
    findings.note("weights", std::to_string(weights.size()) + " instead of " + std::to_string(expected.size()));
  const golden::Tolerance exactly{.relative = 0.0, .absolute = 0.0};
  for (std::size_t i = 0; i < std::min(weights.size(), expected.size()); ++i)
    findings.compare(expected[i].at("path").get<std::string>(), weights[i], expected[i].at("value"), exactly);
}

void check_optimizer(const Json& one, const Model& model, Findings& findings) {
  if (!one.contains("optimizer")) return;
  const Json& expected = one.at("optimizer").at("variables");
  const std::vector<Variable> variables = model.optimizer().variables();
  if (variables.size() != expected.size())
    findings.note("optimizer", std::to_string(variables.size()) + " instead of " + std::to_string(expected.size()));
  for (std::size_t i = 0; i < std::min(variables.size(), expected.size()); ++i) {
    const std::string path = expected[i].at("path").get<std::string>();
    if (path == "iteration")
      CHECK(variables[i].value().item<std::int64_t>() == expected[i].at("value").at("data")[0].get<std::int64_t>());
    else
      findings.compare(path, variables[i].value(), expected[i].at("value"), {.relative = 1e-7, .absolute = 0.0});
  }
}

void check_outputs(const Json& one, const Model& model, Findings& findings) {
  const Tensors outputs = model.predict(golden::tensors_of(one, "inputs"), {.verbose = 0});
  findings.compare_all("outputs", outputs.vector(), one.at("outputs"));
}

void check_file(const Json& one, Findings& findings) {
  Model model = built_model(one);
  model.load_weights(golden::directory() + "/weights/" + one.at("file").get<std::string>());
  check_weights(one, model, findings);
  check_optimizer(one, model, findings);
  check_outputs(one, model, findings);

  // What Nyala writes, a second model reads back; and so does Keras, in tests/live.
  const char* kept = std::getenv("NYALA_GOLDEN_KEEP");
  const std::filesystem::path folder =
      kept != nullptr ? std::filesystem::path(kept)
                      : std::filesystem::temp_directory_path() / ("nyala golden " + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string copy = (folder / one.at("file").get<std::string>()).string();
  model.save_weights(copy);
  Model second = built_model(one);
  second.load_weights(copy);
  if (kept == nullptr) std::filesystem::remove_all(folder);
  check_weights(one, second, findings);
  check_optimizer(one, second, findings);
}

}  // namespace

TEST_CASE("golden: weight_files") { golden::run_family("weight_files", check_file); }
