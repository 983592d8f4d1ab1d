// What matrix_live.py runs: loads each model file that Keras wrote, compares, and saves it again in each format.
#include <nyala/npy.hpp>
#include <nyala/nyala.hpp>
#include <nyala/saving.hpp>
#include <nyala/serialization.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace nyala;

namespace {

struct Case {
  std::string name, layer, folder;
  int inputs = 0, outputs = 0, weights = 0;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Tensor> arrays(const Case& one, const std::string& kind, int count) {
  std::vector<Tensor> values;
  for (int i = 0; i < count; ++i) values.push_back(load_npy(one.folder + "/" + kind + std::to_string(i) + ".npy"));
  return values;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  if (a.size() == 0) return true;
  const std::vector<double> x = cast(a, DType::float64).to_vector<double>();
  const std::vector<double> y = cast(b, DType::float64).to_vector<double>();
  return std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

/// What is wrong with an output; empty if nothing is.
std::string difference(const Tensor& got, const Tensor& expected, bool older) {
  if (got.shape() != expected.shape()) return "shape " + got.shape().str() + " for " + expected.shape().str();
  // Keras on numpy once returned int64 where its graphs say int32.
  if (got.dtype() != expected.dtype() && !(older && expected.dtype() == DType::int64)) {
    return std::string("dtype ") + name_of(got.dtype()) + " for " + name_of(expected.dtype());
  }
  const std::vector<double> x = cast(got, DType::float64).to_vector<double>();
  const std::vector<double> y = cast(expected, DType::float64).to_vector<double>();
  double scale = 1.0, worst = 0.0;
  for (const double value : y) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool both_nan = x[i] != x[i] && y[i] != y[i];
    const double error = both_nan || x[i] == y[i] ? 0.0 : std::abs(x[i] - y[i]) / scale;
    worst = error <= worst ? worst : error;
  }
  const double limit = expected.dtype() == DType::float16 ? 5e-3 : 1e-5;
  return worst <= limit ? "" : "values differ by " + std::to_string(worst);
}

/// Without the shape that a wrapped layer was first built for, which a new graph need not repeat.
Config without_build_config(const Config& config) {
  if (config.is_array()) {
    Config kept = Config::array();
    for (const Config& item : config.items()) kept.push_back(without_build_config(item));
    return kept;
  }
  if (!config.is_object()) return config;
  Config kept = Config::object();
  for (const auto& [key, value] : config.entries()) {
    if (key != "build_config") kept[key] = without_build_config(value);
  }
  return kept;
}

/// What was written by an older Keras has fewer keys, also deep inside.
bool holds(const Config& got, const Config& expected) {
  if (expected.is_array()) {
    if (!got.is_array() || got.size() != expected.size()) return false;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (!holds(got.items()[i], expected.items()[i])) return false;
    }
    return true;
  }
  if (expected.is_string() && got.contains("class_name") && got.at("class_name") == Config("DTypePolicy"))
    return got.at("config").at("name") == expected;  // of 3.3
  if (!expected.is_object()) return got == expected;
  return got.is_object() && std::all_of(expected.entries().begin(), expected.entries().end(), [&](const auto& entry) {
           return entry.first == "build_config" ||
                  (got.contains(entry.first) && holds(got.at(entry.first), entry.second));
         });
}

/// The keys whose values differ. An older Keras may know fewer.
std::string difference(const Config& got, const Config& expected, bool older) {
  std::string keys;
  for (const auto& [key, value] : expected.entries()) {
    if (older && key == "dtype" && value == Config("int64")) continue;  // Discretization's default before 3.13
    const bool same = got.contains(key) && (older ? holds(got.at(key), value)
                                                  : without_build_config(got.at(key)) == without_build_config(value));
    if (!same) {
      keys += " " + key + "=" + (got.contains(key) ? got.at(key).json() : "nothing") + " for " + value.json();
    }
  }
  if (older) return keys;
  for (const auto& [key, value] : got.entries()) {
    if (!expected.contains(key)) keys += " " + key + "=" + value.json() + " for nothing";
  }
  return keys;
}

std::string check(const Case& one, const std::string& suffix, bool older) {
  const std::string path = one.folder + "/model." + suffix;
  std::vector<Model> loaded;
  if (suffix == "weights.h5") {
    loaded.push_back(model_from_json(text_of(one.folder + "/model.json")));
    loaded.front().load_weights(path);
  } else {
    loaded.push_back(load_model(path));
  }
  Model& model = loaded.front();
  const std::vector<Tensor> weights = model.get_weights(), expected_weights = arrays(one, "w", one.weights);
  if (weights.size() != expected_weights.size()) return std::to_string(weights.size()) + " weights";
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!same_bytes(weights[i], expected_weights[i])) return "weight " + std::to_string(i) + " differs";
  }
  model.reset_states();
  const Tensors outputs = model.outputs(arrays(one, "in", one.inputs));
  const std::vector<Tensor> expected = arrays(one, "out", one.outputs);
  if (outputs.size() != expected.size()) return std::to_string(outputs.size()) + " outputs";
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string wrong = difference(outputs[i], expected[i], older);
    if (!wrong.empty()) return "output " + std::to_string(i) + ": " + wrong;
  }
  const Config described = Config::parse(text_of(one.folder + "/layer.json"));
  const std::string wrong = difference(model.get_layer(one.layer)->config(), described.at("config"), older);
  if (!wrong.empty()) return "config:" + wrong;
  if (suffix == "keras") {
    model.save(one.folder + "/again.keras");
    model.save(one.folder + "/again.h5");
    model.save_weights(one.folder + "/again.weights.h5");
  }
  return "ok";
}

}  // namespace

int main(int count, char** arguments) {
  const bool older = count == 3 && std::string(arguments[2]) == "older";
  if (count != 2 && !older) {
    std::cerr << "usage: matrix_tool FOLDER [older]\n";
    return 2;
  }
  const std::string root = arguments[1];
  std::ifstream list(root + "/cases.txt");
  Case one;
  while (list >> one.name >> one.layer >> one.inputs >> one.outputs >> one.weights) {
    one.folder = root + "/" + one.name;
    for (const char* suffix : {"keras", "h5", "weights.h5"}) {
      std::string verdict;
      if (!std::ifstream(one.folder + "/model." + suffix)) continue;
      try {
        verdict = check(one, suffix, older);
      } catch (const std::exception& error) {
        verdict = error.what();
      }
      std::replace(verdict.begin(), verdict.end(), '\n', ' ');
      std::cout << one.name << '\t' << suffix << '\t' << verdict << std::endl;
    }
  }
  return 0;
}
