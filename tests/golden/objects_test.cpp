#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nyala/activations.hpp>
#include <nyala/autograd.hpp>
#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/initializers.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/regularizer.hpp>

#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

using Check = std::function<void(const Json& one, Findings& findings)>;

const std::string owner = "golden";

Config object_of(const Json& one) {
  Config object = Config::object();
  object["class_name"] = one.at("class_name").get<std::string>();
  object["config"] = golden::config_of(one.at("config"));
  return object;
}

Shape shape_of(const Json& one) { return golden::config_of(one.at("shape")).as_shape(); }

std::shared_ptr<Initializer> initializer_of(const Json& one) {
  return resolve(initializer_from_config(object_of(one)), owner);
}

void check_initializer(const Json& one, Findings& findings) {
  const auto initializer = initializer_of(one);
  if (one.at("class_name") == "Identity") {
    initializers::Identity identity(one.at("arguments").value("gain", 1.0));  // Keras' config does not hold the gain
    findings.compare("value", identity(shape_of(one), DType::float32), one.at("value"));
    return;
  }
  findings.note("config", golden::difference(initializer->config(), golden::config_of(one.at("config")), {}));
  findings.compare("value", (*initializer)(shape_of(one), DType::float32), one.at("value"));
}

void note_unless(bool holds, const std::string& what, double value, Findings& findings) {
  if (!holds) findings.note(what, "is " + std::to_string(value));
}

/// Draws many tensors and compares their moments and limits with those of Keras' distribution.
void check_random_initializer(const Json& one, Findings& findings) {
  const auto initializer = initializer_of(one);
  findings.note("config", golden::difference(initializer->config(), golden::config_of(one.at("config")), {}));
  const Shape shape = shape_of(one);
  std::vector<double> drawn;
  const Config object = object_of(one);
  while (drawn.size() < 20000) {
    const auto next = resolve(initializer_from_config(object), owner);
    const std::vector<double> more = (*next)(shape, DType::float32).to_vector<double>();
    drawn.insert(drawn.end(), more.begin(), more.end());
  }
  double total = 0.0, squares = 0.0, low = drawn[0], high = drawn[0];
  for (const double value : drawn) {
    total += value;
    squares += value * value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double count = static_cast<double>(drawn.size());
  const double mean = total / count, deviation = std::sqrt(squares / count - mean * mean);
  double expected_mean = 0.0, expected_deviation = 0.0, below = -INFINITY, above = INFINITY;
  if (one.at("distribution") == "uniform") {
    below = one.at("minval").get<double>();
    above = one.at("maxval").get<double>();
    expected_mean = (below + above) / 2.0;
    expected_deviation = (above - below) / std::sqrt(12.0);
    note_unless(low < below + 0.01 * (above - below), "smallest of a uniform", low, findings);
    note_unless(high > above - 0.01 * (above - below), "largest of a uniform", high, findings);
  } else {
    expected_mean = one.at("mean").get<double>();
    expected_deviation = one.at("stddev").get<double>();
    if (one.at("distribution") == "truncated_normal") {
      below = expected_mean - 2.0 * expected_deviation;
      above = expected_mean + 2.0 * expected_deviation;
      note_unless(high > above - 0.2 * expected_deviation, "largest of a truncated normal", high, findings);
      expected_deviation *= 0.87962566103423978;
    } else {
      note_unless(high > expected_mean + 2.5 * expected_deviation, "largest of a normal", high, findings);
    }
  }
  note_unless(std::abs(mean - expected_mean) < 0.05 * expected_deviation, "mean", mean, findings);
  note_unless(std::abs(deviation - expected_deviation) < 0.04 * expected_deviation, "deviation", deviation, findings);
  note_unless(low >= below - 1e-6 && high <= above + 1e-6, "range up to", high, findings);
}

void check_orthogonal(const Json& one, Findings& findings) {
  const auto initializer = initializer_of(one);
  findings.note("config", golden::difference(initializer->config(), golden::config_of(one.at("config")), {}));
  const Shape shape = shape_of(one);
  const Tensor matrix = reshape((*initializer)(shape, DType::float32), Shape{-1, shape.back()});
  const bool tall = matrix.shape()[0] >= matrix.shape()[1];
  findings.compare("gram", matmul(matrix, matrix, tall, !tall), one.at("gram"));
}

void check_regularizer(const Json& one, Findings& findings) {
  const auto regularizer = resolve(regularizer_from_config(object_of(one)), owner);
  findings.note("config", golden::difference(regularizer->config(), golden::config_of(one.at("config")), {}));
  const Tensor x = golden::tensor_of(one.at("x"));
  GradientTape tape;
  tape.watch(x);
  const Tensor value = (*regularizer)(x);
  findings.compare("value", value, one.at("value"));
  findings.compare("gradient", tape.gradient(value, x), one.at("gradient"));
}

void check_constraint(const Json& one, Findings& findings) {
  const auto constraint = resolve(constraint_from_config(object_of(one)), owner);
  findings.note("config", golden::difference(constraint->config(), golden::config_of(one.at("config")), {}));
  findings.compare("value", (*constraint)(golden::tensor_of(one.at("x"))), one.at("value"));
}

void check_promotion(const Json& one, Findings& findings) {
  const auto names = one.at("dtypes").get<std::vector<std::string>>();
  // The files are made with jax, which has no 64 bits; Nyala has them, as Keras has with its other backends.
  const std::map<std::string, std::string> narrow{{"int64", "int32"}, {"uint64", "uint32"}, {"float64", "float32"}};
  const auto wanted = [&](std::string got, const Json& expected, const std::string& where) {
    if (narrow.count(got) != 0) got = narrow.at(got);
    if (got != expected.get<std::string>()) findings.note(where, got + " instead of " + expected.get<std::string>());
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Tensor a = zeros(Shape{2}, dtype_from_name(names[i]));
    for (std::size_t j = 0; j < names.size(); ++j) {
      const Tensor b = zeros(Shape{2}, dtype_from_name(names[j]));
      wanted(name_of(maximum(a, b).dtype()), one.at("table")[i][j], names[i] + " with " + names[j]);
    }
    wanted(name_of(maximum(a, Tensor(1)).dtype()), one.at("with_python_scalars").at("int")[i], names[i] + " with 1");
    wanted(name_of(maximum(a, Tensor(1.0)).dtype()), one.at("with_python_scalars").at("float")[i],
           names[i] + " with 1.0");
  }
}

const std::map<std::string, Check> checks = {{"initializer", check_initializer},
                                             {"random_initializer", check_random_initializer},
                                             {"orthogonal_initializer", check_orthogonal},
                                             {"regularizer", check_regularizer},
                                             {"constraint", check_constraint},
                                             {"promotion", check_promotion}};

Tensor activate(const Json& one, const Tensor& x) {
  const std::string name = one.at("function").get<std::string>();
  const Config arguments = golden::config_of(one.at("arguments"));
  if (arguments.size() == 0) return ActivationFunction(name, owner)(x);
  const int axis = arguments.get("axis", -1);
  if (name == "relu")
    return relu(x, arguments.get("negative_slope", 0.0), arguments.optional_double("max_value"),
                arguments.get("threshold", 0.0));
  if (name == "leaky_relu") return leaky_relu(x, arguments.get("negative_slope", 0.2));
  if (name == "elu") return elu(x, arguments.get("alpha", 1.0));
  if (name == "celu") return celu(x, arguments.get("alpha", 1.0));
  if (name == "gelu") return gelu(x, arguments.get("approximate", false));
  if (name == "soft_shrink") return soft_shrink(x, arguments.get("threshold", 0.5));
  if (name == "hard_shrink") return hard_shrink(x, arguments.get("threshold", 0.5));
  if (name == "squareplus") return squareplus(x, arguments.get("b", 4.0));
  if (name == "threshold")
    return threshold(x, arguments.at("threshold").as_double(), arguments.at("default_value").as_double());
  if (name == "softmax") return softmax(x, axis);
  if (name == "log_softmax") return log_softmax(x, axis);
  if (name == "sparsemax") return sparsemax(x, axis);
  if (name == "glu") return glu(x, axis);
  throw Error("golden: activation " + name + " with arguments is not in this table");
}

void check_activation(const Json& one, Findings& findings) {
  const Tensor x = golden::tensor_of(one.at("x"));
  GradientTape tape;
  tape.watch(x);
  const Tensor y = activate(one, x);
  findings.compare("y", y, one.at("y"));
  if (!one.contains("gradient")) return;
  // Keras' float32 gradients of saturated functions are off by a few units of 1e-5 themselves.
  findings.compare("gradient", tape.gradient(y, x, golden::tensor_of(one.at("cotangent"))), one.at("gradient"),
                   {.relative = 1e-4, .absolute = 2e-5});
}

}  // namespace

TEST_CASE("golden: small_objects") {
  set_random_seed(1);
  golden::run_family(
      "small_objects",
      [](const Json& one, Findings& findings) { checks.at(one.at("kind").get<std::string>())(one, findings); },
      [](const Json& one) { return !checks.contains(one.at("kind").get<std::string>()); });
}

TEST_CASE("golden: activations") { golden::run_family("activations", check_activation); }
