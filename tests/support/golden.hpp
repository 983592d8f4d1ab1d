#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <nyala/config.hpp>
#include <nyala/tensor.hpp>

namespace nyala::golden {

/// A case of a golden file: its keys in the file's order. tests/golden/README.md describes them.
using Json = nlohmann::ordered_json;

/// The folder with data/ and weights/: NYALA_GOLDEN_DIR, or tests/golden in the sources.
std::string directory();
/// The cases of data/<family>.json. Throws Error if the file is missing, empty or of another format.
std::vector<Json> cases(const std::string& family);

/// An array of a golden file; null gives a null tensor.
Tensor tensor_of(const Json& array);
/// A list of arrays; a key that is missing gives an empty list.
std::vector<Tensor> tensors_of(const Json& object, const std::string& key);
bool is_array(const Json& value);
/// A number of a golden file: "NaN", "Infinity" and "-Infinity" too.
double number_of(const Json& value);
/// Plain JSON (no golden arrays) as a Config.
Config config_of(const Json& value);

/// |got - expected| <= absolute + relative * |expected|
struct Tolerance {
  double relative = 1e-4, absolute = 1e-5;
};
/// Empty if `got` has the shape, dtype and values of the array; else what differs and where. NaN equals NaN, and null
/// stands for "nothing there".
std::string difference(const Tensor& got, const Json& expected, const Tolerance& tolerance = {});
/// Empty if the configs say the same: numbers to 1e-6 (Keras rounds some to float32), keys of `ignored` left out.
std::string difference(const Config& got, const Config& expected, const std::set<std::string>& ignored);

/// What a case found wrong, line by line.
class Findings {
 public:
  /// Notes `problem` under `where` unless it is empty.
  void note(const std::string& where, const std::string& problem);
  void compare(const std::string& where, const Tensor& got, const Json& expected, const Tolerance& tolerance = {}) {
    note(where, difference(got, expected, tolerance));
  }
  /// One by one; a count that differs is a finding too.
  void compare_all(const std::string& where, const std::vector<Tensor>& got, const Json& expected,
                   const Tolerance& tolerance = {});
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Runs every case of a family through `check` and reports, per case, what it noted or threw. Cases for which `skip`
/// gives a reason are not run.
void run_family(const std::string& family, const std::function<void(const Json& one, Findings& findings)>& check,
                const std::function<bool(const Json& one)>& skip = {});

}  // namespace nyala::golden
