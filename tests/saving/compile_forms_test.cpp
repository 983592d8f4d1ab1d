#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "saving/model_config.hpp"

using namespace nyala;

namespace {

Model two_outputs() {
  auto in = Input({3});
  return Model(std::vector<KerasTensor>{in},
               std::vector<KerasTensor>{Dense(1, {.name = "a"})(in), Dense(1, {.name = "b"})(in)});
}

/// What evaluate tells of a model compiled by that text.
std::vector<std::string> told(Model model, const std::string& settings) {
  saving::compile_from_config(model, Config::parse(settings));
  const Tensor x = ones({4, 3}), y = zeros({4, 1});
  const Tensors targets = model.outputs(x).size() == 2 ? Tensors{y, y} : Tensors{y};
  std::vector<std::string> names;
  for (const auto& [name, value] : model.evaluate(x, targets, {.verbose = 0})) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("compile settings of a file in lists of lists") {
  const Model one = Sequential{Input({3}), Dense(1)};
  CHECK(told(one, R"({"optimizer": "sgd", "loss": [["mse"]], "metrics": [["mae"]]})") == Names{"loss", "mae"});
  CHECK(told(two_outputs(), R"({"optimizer": "sgd", "loss": [["mse"], ["mae"]], "loss_weights": [[0.5], [2.0]]})") ==
        told(two_outputs(), R"({"optimizer": "sgd", "loss": ["mse", "mae"], "loss_weights": [0.5, 2.0]})"));
  CHECK(told(two_outputs(), R"({"optimizer": "sgd", "loss": "mse", "metrics": [null, ["mae"]]})") ==
        Names{"a_loss", "b_loss", "b_mae", "loss"});
}
