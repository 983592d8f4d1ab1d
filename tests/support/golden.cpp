#include "support/golden.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include <nyala/device.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>

namespace nyala::golden {

std::string directory() {
  const char* chosen = std::getenv("NYALA_GOLDEN_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : NYALA_SOURCE_DIR "/tests/golden";
}

std::vector<Json> cases(const std::string& family) {
  const std::string path = directory() + "/data/" + family + ".json";
  std::ifstream file(path);
  if (!file) throw Error("golden: cannot read " + path);
  const Json whole = Json::parse(file);
  if (whole.at("format") != 1) throw Error("golden: " + path + " has format " + whole.at("format").dump() + ", not 1");
  std::vector<Json> all(whole.at("cases").begin(), whole.at("cases").end());
  if (all.empty()) throw Error("golden: " + path + " holds no case");
  return all;
}

double number_of(const Json& value) {
  if (!value.is_string()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw Error("golden: \"" + text + "\" is no number");
}

bool is_array(const Json& value) { return value.is_object() && value.contains("data") && value.contains("shape"); }

Tensor tensor_of(const Json& array) {
  if (array.is_null()) return {};
  if (array.is_number()) return Tensor(array.get<double>()).to(default_device());
  std::vector<double> values;
  values.reserve(array.at("data").size());
  for (const Json& value : array.at("data")) values.push_back(number_of(value));
  const auto sizes = array.at("shape").get<std::vector<std::int64_t>>();
  const Shape shape(sizes.begin(), sizes.end());
  const std::string dtype = array.at("dtype").get<std::string>();
  return cast(reshape(tensor(values), shape), dtype_from_name(dtype));
}

std::vector<Tensor> tensors_of(const Json& object, const std::string& key) {
  std::vector<Tensor> tensors;
  if (!object.contains(key)) return tensors;
  for (const Json& array : object.at(key)) tensors.push_back(tensor_of(array));
  return tensors;
}

Config config_of(const Json& value) { return Config::parse(value.dump()); }

std::string difference(const Tensor& got, const Json& expected, const Tolerance& tolerance) {
  if (expected.is_null()) return got.defined() ? "expected nothing, got shape " + got.shape().str() : "";
  if (!got.defined()) return "expected an array, got nothing";
  const Tensor wanted = tensor_of(expected);
  std::ostringstream out;
  if (got.shape() != wanted.shape()) {
    out << "shape " << got.shape().str() << " instead of " << wanted.shape().str();
    return out.str();
  }
  if (got.dtype() != wanted.dtype() && is_array(expected)) {
    out << "dtype " << name_of(got.dtype()) << " instead of " << name_of(wanted.dtype());
    return out.str();
  }
  const std::vector<double> a = got.to_vector<double>(), b = wanted.to_vector<double>();
  std::size_t wrong = 0, worst = 0;
  double worst_excess = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double excess = std::abs(a[i] - b[i]) - tolerance.absolute - tolerance.relative * std::abs(b[i]);
    if (excess <= 0.0) continue;
    if (wrong++ == 0 || std::isnan(excess) || excess > worst_excess) {
      worst = i;
      worst_excess = excess;
    }
  }
  if (wrong == 0) return "";
  out.precision(9);
  out << wrong << " of " << a.size() << " elements differ; element " << worst << " of shape " << wanted.shape().str()
      << " is " << a[worst] << " instead of " << b[worst];
  return out.str();
}

std::string difference(const Config& got, const Config& expected, const std::set<std::string>& ignored) {
  if (got.is_number() && expected.is_number()) {
    const double a = got.as_double(), b = expected.as_double();
    return std::abs(a - b) <= 1e-6 * std::abs(b) ? "" : got.json() + " instead of " + expected.json();
  }
  if (expected.is_object() && got.is_object()) {
    for (const auto& [key, value] : expected.entries()) {
      if (ignored.contains(key)) continue;
      if (!got.contains(key)) return "no key \"" + key + "\"";
      const std::string inner = difference(got.at(key), value, ignored);
      if (!inner.empty()) return key + ": " + inner;
    }
    for (const auto& [key, value] : got.entries()) {
      if (!ignored.contains(key) && !expected.contains(key)) return "key \"" + key + "\" that Keras does not write";
    }
    return "";
  }
  if (expected.is_array() && got.is_array() && expected.size() == got.size()) {
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::string inner = difference(got[i], expected[i], ignored);
      if (!inner.empty()) return "[" + std::to_string(i) + "]: " + inner;
    }
    return "";
  }
  return got == expected ? "" : got.json() + " instead of " + expected.json();
}

void Findings::note(const std::string& where, const std::string& problem) {
  if (!problem.empty()) text_ += "\n    " + where + ": " + problem;
}

void Findings::compare_all(const std::string& where, const std::vector<Tensor>& got, const Json& expected,
                           const Tolerance& tolerance) {
  if (got.size() != expected.size())
    note(where, std::to_string(got.size()) + " of them instead of " + std::to_string(expected.size()));
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i)
    compare(where + "[" + std::to_string(i) + "]", got[i], expected[i], tolerance);
}

void run_family(const std::string& family, const std::function<void(const Json& one, Findings& findings)>& check,
                const std::function<bool(const Json& one)>& skip) {
  std::size_t run = 0, failed = 0;
  for (const Json& one : cases(family)) {
    if (skip && skip(one)) continue;
    ++run;
    const std::string name = one.at("name").get<std::string>();
    Findings findings;
    try {
      check(one, findings);
    } catch (const std::exception& error) {
      findings.note("threw", error.what());
    }
    const bool ok = findings.text().empty();
    failed += ok ? 0 : 1;
    CHECK_MESSAGE(ok, family << "/" << name << findings.text());
  }
  MESSAGE(family << ": " << run - failed << " of " << run << " cases agree with Keras");
  CHECK_MESSAGE(run > 0, family << ": every case was skipped");
}

}  // namespace nyala::golden
