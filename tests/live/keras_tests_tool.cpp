// For keras_tests.py: loads the files that lines "FOLDER INPUTS OUTPUTS WEIGHTS RANDOM" name, compares weights, outputs
// and config with what Keras has, saves them again, and prints "FOLDER <tab> format <tab> ok" or what differs.
// For keras_tests_compiled.py: "compiled FILE", with lines "FOLDER FORMAT DATA STEPS WEIGHTS", where DATA is xy or xyw:
// saves the model again, then prints a list: the logs of test_on_batch, those of each step of training, and "" or how
// the weights differ afterwards.
#include <nyala/npy.hpp>
#include <nyala/nyala.hpp>
#include <nyala/saving.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

using namespace nyala;

namespace {

struct Case {
  std::string folder;
  int inputs = 0, outputs = 0, weights = 0;
  bool random = false;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error("cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Tensors arrays(const Case& one, const std::string& kind, int count) {
  Tensors values;
  for (int i = 0; i < count; ++i) values.push_back(load_npy(one.folder + "/" + kind + std::to_string(i) + ".npy"));
  return values;
}

std::string difference(const Tensor& got, const Tensor& expected, bool values) {
  if (got.shape() != expected.shape()) return "shape " + got.shape().str() + " for " + expected.shape().str();
  std::string wrong;
  // Files of arrays hold bfloat16 as float32.
  const bool same =
      got.dtype() == expected.dtype() || (got.dtype() == DType::bfloat16 && expected.dtype() == DType::float32);
  if (!same) wrong = std::string("dtype ") + name_of(got.dtype()) + " for " + name_of(expected.dtype()) + " ";
  if (!values) return wrong;
  const std::vector<double> x = cast(got, DType::float64).to_vector<double>();
  const std::vector<double> y = cast(expected, DType::float64).to_vector<double>();
  double scale = 1.0, worst = 0.0;
  for (const double value : y) {
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool equal = x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]));
    const double error = equal ? 0.0 : std::abs(x[i] - y[i]) / scale;
    if (!(error <= worst)) worst = error;
  }
  const double limit = expected.dtype() == DType::float16 ? 5e-3 : got.dtype() == DType::bfloat16 ? 4e-2 : 1e-5;
  return worst <= limit ? wrong : wrong + "values differ by " + std::to_string(worst);
}

std::string difference(const Config& got, const Config& expected, const std::string& at) {
  if (expected.is_object() && got.is_object()) {
    for (const auto& [key, value] : expected.entries()) {
      if (key == "build_config") continue;
      if (!got.contains(key)) return at + "/" + key + " is missing";
      const std::string wrong = difference(got.at(key), value, at + "/" + key);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  if (expected.is_array() && got.is_array() && got.size() == expected.size()) {
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::string wrong = difference(got[i], expected[i], at + "/" + std::to_string(i));
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  return got == expected ? "" : at + ": " + got.json().substr(0, 100) + " for " + expected.json().substr(0, 100);
}

std::string check(const Case& one, const std::string& suffix) {
  const std::string path = one.folder + "/model." + suffix;
  const bool alone = suffix == "weights.h5";
  Model model = alone ? model_from_json(text_of(one.folder + "/model.json")) : load_model(path);
  if (alone) model.load_weights(path);
  const std::vector<Tensor> weights = model.get_weights();
  const Tensors expected_weights = arrays(one, "w", one.weights);
  if (weights.size() != expected_weights.size())
    return std::to_string(weights.size()) + " weights for " + std::to_string(expected_weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string wrong = difference(weights[i], expected_weights[i], true);
    if (!wrong.empty()) return "weight " + std::to_string(i) + ": " + wrong;
  }
  if (suffix == "keras") {
    for (const char* again : {"again.keras", "again.h5"}) model.save(one.folder + "/" + again);
  }
  model.reset_states();
  const Tensors outputs = model.outputs(arrays(one, "in", one.inputs)), expected = arrays(one, "out", one.outputs);
  if (outputs.size() != expected.size()) return std::to_string(outputs.size()) + " outputs";
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string wrong = difference(outputs[i], expected[i], !one.random);
    if (!wrong.empty()) return "output " + std::to_string(i) + ": " + wrong;
  }
  if (suffix != "keras") return "ok";
  const std::string wrong =
      difference(Config::parse(model.to_json()), Config::parse(text_of(one.folder + "/model.json")), "");
  return wrong.empty() ? "ok" : "config: " + wrong;
}

std::string in_json(const Logs& logs) {
  std::ostringstream out;
  out.precision(9);
  for (const auto& [name, value] : logs) out << (out.tellp() ? ", " : "{") << '"' << name << "\": " << value;
  return (out.tellp() ? out.str() : "{") + "}";
}

std::string compiled(const Case& one, const std::string& suffix, const std::string& data, int steps) {
  Model model = load_model(one.folder + "/model." + suffix);
  model.save(one.folder + "/again." + suffix);
  const Tensor x = load_npy(one.folder + "/x.npy"), y = load_npy(one.folder + "/y.npy");
  const Tensors weight = data.find('w') == std::string::npos ? Tensors() : Tensors{load_npy(one.folder + "/w.npy")};
  model.reset_metrics();
  std::string told = "[" + in_json(model.test_on_batch(x, y, weight));
  for (int i = 0; i < steps; ++i) {
    model.reset_metrics();
    told += ", " + in_json(model.train_on_batch(x, y, weight));
  }
  const std::vector<Tensor> weights = model.get_weights();
  const Tensors expected = arrays(one, "w", one.weights);
  std::string wrong = weights.size() == expected.size() ? "" : std::to_string(weights.size()) + " weights";
  for (std::size_t i = 0; i < weights.size() && wrong.empty(); ++i) {
    const double worst = max(abs(cast(weights[i], DType::float32) - expected[i])).to_vector<float>().front();
    if (!(worst <= 2e-5)) wrong = "weight " + std::to_string(i) + " differs by " + std::to_string(worst);
  }
  return told + ", \"" + wrong + "\"]";
}

int check_compiled(const char* path) {
  std::ifstream cases(path);
  std::string suffix, data;
  int steps = 0;
  for (Case one; cases >> one.folder >> suffix >> data >> steps >> one.weights;) {
    std::string line;
    try {
      line = compiled(one, suffix, data, steps);
    } catch (const std::exception& error) {
      line = error.what();
    }
    std::replace(line.begin(), line.end(), '\n', ' ');
    std::cout << line << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && argv[1] == std::string("compiled")) return check_compiled(argv[2]);
  if (argc != 2) return 2;
  std::ifstream cases(argv[1]);
  for (Case one; cases >> one.folder >> one.inputs >> one.outputs >> one.weights >> one.random;) {
    for (const char* suffix : {"keras", "h5", "weights.h5"}) {
      if (!std::ifstream(one.folder + "/model." + suffix)) continue;
      std::cout << one.folder << '\t' << suffix << '\t' << std::flush;
      std::string verdict;
      try {
        verdict = check(one, suffix);
      } catch (const std::exception& error) {
        verdict = error.what();
      }
      std::replace(verdict.begin(), verdict.end(), '\n', ' ');
      std::cout << verdict << std::endl;
    }
  }
  return 0;
}
