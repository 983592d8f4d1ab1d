#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include <nyala/nyala.hpp>

#include "support/golden.hpp"
#include "support/hostile_time.hpp"

using namespace nyala;
using golden::Json;
using hostile::seconds_at_most;

// A layer's config as an attacker changes it: one value at a time, each kind of wrong one in its place. Whatever comes
// of it, it is an Error or a model that runs.

namespace {

const std::vector<std::string> replacements = {"-1",
                                               "0",
                                               "1000000000",
                                               "2147483648",
                                               "4611686018427387904",
                                               "1e300",
                                               "1.5",
                                               "NaN",
                                               "-7",
                                               "null",
                                               "\"x\"",
                                               "[]",
                                               "[[[]]]",
                                               "{}",
                                               "[3, -2]",
                                               "true",
                                               "65537",
                                               "[1000000, 1000000]",
                                               "[-1]",
                                               "-Infinity",
                                               "18446744073709551616"};

/// Where the config's values are, as keys from the top; whole lists and objects too.
void places_in(const Config& value, std::vector<std::string>& path, std::vector<std::vector<std::string>>& places) {
  if (!path.empty()) places.push_back(path);
  if (path.size() > 4) return;
  const auto visit = [&](const std::string& key, const Config& inner) {
    path.push_back(key);
    places_in(inner, path, places);
    path.pop_back();
  };
  if (value.is_object()) {
    for (const auto& [key, inner] : value.entries()) {
      if (key != "module" && key != "registered_name") visit(key, inner);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < std::min<std::size_t>(value.size(), 2); ++i) visit(std::to_string(i), value[i]);
  }
}

Config replaced(const Config& value, const std::vector<std::string>& path, std::size_t depth, const Config& with) {
  if (depth == path.size()) return with;
  if (value.is_object()) {
    Config object = value;
    object[path[depth]] = replaced(value.at(path[depth]), path, depth + 1, with);
    return object;
  }
  Config list = Config::array();
  for (std::size_t i = 0; i < value.size(); ++i)
    list.push_back(std::to_string(i) == path[depth] ? replaced(value[i], path, depth + 1, with) : value[i]);
  return list;
}

struct Case {
  Config config;          // of a model of that one layer
  std::size_t place = 0;  // of the layer among the model's
  Tensors inputs;
};

bool make_case(const Json& one, Case& result) {
  result.inputs = golden::tensors_of(one, "inputs");
  if (result.inputs.empty()) return false;
  Config object = Config::object();
  object["class_name"] = one.at("class_name").get<std::string>();
  object["config"] = golden::config_of(one.at("config"));
  std::vector<KerasTensor> inputs;
  for (const Tensor& x : result.inputs) {
    if (x.rank() == 0) return false;
    Shape shape(std::vector<std::int64_t>(x.shape().begin() + 1, x.shape().end()));
    inputs.push_back(Input(shape, {.batch_size = static_cast<int>(x.shape()[0]), .dtype = x.dtype()}));
  }
  try {
    const LayerRef layer = layer_from_config(object);
    const Model model(inputs, layer.outputs(inputs));
    result.config = Config::parse(model.to_json());
  } catch (const Error&) {
    return false;
  }
  result.place = inputs.size();
  return true;
}

}  // namespace

TEST_CASE("no value of a layer's config does harm") {
  const bool all = std::getenv("NYALA_MUTATIONS") != nullptr;
  const std::string only = all ? std::getenv("NYALA_MUTATIONS") : "";
  std::set<std::string> seen;
  // A sample of all, in each build another one.
  const std::size_t every = build_kind::slow ? 19 : 7;
  std::size_t tried = 0, refused = 0, number = 0;
  for (const char* family : {"layers_attention", "layers_audio", "layers_conv", "layers_core", "layers_image",
                             "layers_merging", "layers_norm", "layers_pool", "layers_reshaping", "layers_rnn"}) {
    for (const Json& one : golden::cases(family)) {
      const std::string name = one.at("class_name").get<std::string>();
      Case sample;
      if (all && only != "all" && only != name) continue;
      if (seen.contains(name) || !make_case(one, sample)) continue;
      seen.insert(name);
      const Config layer = sample.config.at("config").at("layers")[sample.place].at("config");
      std::vector<std::string> path;
      std::vector<std::vector<std::string>> places;
      places_in(layer, path, places);
      for (const std::vector<std::string>& place : places) {
        for (const std::string& replacement : replacements) {
          if (!all && ++number % every != 0) continue;
          std::vector<std::string> whole = {"config", "layers", std::to_string(sample.place), "config"};
          whole.insert(whole.end(), place.begin(), place.end());
          std::string what = name + ":";
          for (const std::string& key : place) what += " " + key;
          what += " = " + replacement;
          INFO(what);
          if (std::getenv("NYALA_MUTATIONS_SHOWN") != nullptr) std::cerr << what << std::endl;
          const hostile::Stopwatch watch;
          try {
            const std::string json = replaced(sample.config, whole, 0, Config::parse(replacement)).json();
            const Model model = model_from_json(json, {.max_parameter_bytes = 1 << 22});
            model.predict(sample.inputs, {.verbose = 0});
          } catch (const Error&) {
            ++refused;
          } catch (const std::exception& error) {
            FAIL_CHECK(std::string(error.what()));
          }
          ++tried;
          const double seconds = watch.seconds();
          CHECK_MESSAGE(seconds < seconds_at_most, seconds);
        }
      }
    }
  }
  MESSAGE(seen.size() << " classes, " << tried << " configs, " << refused << " refused");
  if (!all) CHECK(seen.size() > 80);
  CHECK(refused > tried / 4);
}
