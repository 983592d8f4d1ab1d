#include <doctest/doctest.h>

#include <cmath>

#include <nyala/constraints.hpp>
#include <nyala/error.hpp>
#include <nyala/initializers.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/register.hpp>
#include <nyala/regularizers.hpp>

using namespace nyala;

namespace {

std::vector<float> values(Initializer& initializer, const Shape& shape) {
  return initializer(shape, DType::float32).to_vector<float>();
}

double deviation(const std::vector<float>& x) {
  double sum = 0.0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(x.size()));
}

double largest(const std::vector<float>& x) {
  double result = 0.0;
  for (const float v : x) result = std::max(result, std::abs(static_cast<double>(v)));
  return result;
}

class Halves : public Initializer {
 public:
  Tensor operator()(const Shape& shape, DType dtype) override { return full(shape, 0.5, dtype); }
  std::string class_name() const override { return "Halves"; }
};

}  // namespace

TEST_CASE("a seed gives the same values at every call, no seed those of the object") {
  GlorotUniform seeded({.seed = 3}), again({.seed = 3}), other({.seed = 4});
  CHECK(values(seeded, {4, 5}) == values(seeded, {4, 5}));
  CHECK(values(seeded, {4, 5}) == values(again, {4, 5}));
  CHECK(values(seeded, {4, 5}) != values(other, {4, 5}));
  GlorotUniform a, b;
  CHECK(values(a, {4, 5}) == values(a, {4, 5}));
  CHECK(values(a, {4, 5}) != values(b, {4, 5}));
  set_random_seed(11);
  HeNormal first;
  set_random_seed(11);
  HeNormal second;
  CHECK(values(first, {7}) == values(second, {7}));
  RandomNormal negative({.seed = -1});
  CHECK(values(negative, {3}) == values(negative, {3}));
}

TEST_CASE("a config that names an initializer draws no random numbers") {
  for (const char* name : {"glorot_uniform", "orthogonal", "random_normal", "zeros"}) {
    CAPTURE(std::string(name));
    set_random_seed(3);
    const Tensor expected = random::normal({4});
    set_random_seed(3);
    const Config config = to_config(InitializerRef(name));
    CHECK(random::normal({4}).to_vector<double>() == expected.to_vector<double>());
    CHECK(config == to_config(resolve(InitializerRef(name), "test")));
  }
}

TEST_CASE("the spread follows from the fans") {
  GlorotUniform glorot({.seed = 1});
  CHECK(largest(values(glorot, {300, 100})) == doctest::Approx(std::sqrt(6.0 / 400)).epsilon(0.01));
  HeNormal he({.seed = 1});
  CHECK(deviation(values(he, {3, 3, 50, 200})) == doctest::Approx(std::sqrt(2.0 / 450)).epsilon(0.02));
  LecunUniform lecun({.seed = 1});
  CHECK(largest(values(lecun, {40000})) == doctest::Approx(std::sqrt(3.0 / 40000)).epsilon(0.01));
  VarianceScaling out({.scale = 2.0, .mode = "fan_out", .distribution = "untruncated_normal", .seed = 1});
  CHECK(deviation(values(out, {200, 300})) == doctest::Approx(std::sqrt(2.0 / 300)).epsilon(0.02));
  HeNormal by_axes({.seed = 1, .input_axes = std::vector<int>{0}, .output_axes = std::vector<int>{1, 2}});
  CHECK(deviation(values(by_axes, {400, 10, 20})) == doctest::Approx(std::sqrt(2.0 / 400)).epsilon(0.02));
  TruncatedNormal truncated({.stddev = 0.5, .seed = 2});
  CHECK(largest(values(truncated, {20000})) <= 1.0);
  CHECK(values(glorot, {}).size() == 1);
  CHECK(values(glorot, {0, 3}).empty());
}

TEST_CASE("orthogonal: columns, or rows, of length gain at right angles") {
  Orthogonal initializer({.gain = 2.0, .seed = 5});
  for (const Shape& shape : {Shape{6, 4}, Shape{4, 6}, Shape{5, 5}, Shape{2, 3, 4}}) {
    const Tensor q = initializer(shape, DType::float64);
    CHECK(q.shape() == shape);
    const Tensor matrix = reshape(q, {-1, shape.back()});
    const bool tall = matrix.shape()[0] >= matrix.shape()[1];
    const Tensor product = tall ? matmul(matrix, matrix, true) : matmul(matrix, matrix, false, true);
    const Tensor error = max(abs(product - 4.0 * eye(product.shape()[0], None, 0, DType::float64)));
    CHECK(error.item<double>() < 1e-12);
  }
  CHECK(initializer({3, 2}, DType::bfloat16).dtype() == DType::bfloat16);
  CHECK_THROWS_WITH_AS(initializer({3}, DType::float32),
                       "Orthogonal: initializes weights of rank 2 or more, got the shape (3,)", Error);
}

TEST_CASE("identity and constants") {
  initializers::Identity identity(3.0);
  CHECK(identity({2, 3}, DType::float32).to_vector<float>() == std::vector<float>{3, 0, 0, 0, 3, 0});
  CHECK_THROWS_AS(identity({2}, DType::float32), Error);
  Constant constant(0.25);
  CHECK(values(constant, {2}) == std::vector<float>{0.25F, 0.25F});
  Ones ones_of;
  CHECK(ones_of({2}, DType::int32).to_vector<int>() == std::vector<int>{1, 1});
}

TEST_CASE("names, objects, callables, and what cannot be one") {
  CHECK(resolve(InitializerRef("he_normal"), "x")->class_name() == "HeNormal");
  CHECK(resolve(InitializerRef("HeNormal"), "x")->class_name() == "HeNormal");
  CHECK(resolve(InitializerRef(), "x") == nullptr);
  const InitializerRef function = [](const Shape& shape, DType dtype) { return full(shape, 7, dtype); };
  CHECK(values(*resolve(function, "x"), {1}) == std::vector<float>{7});
  CHECK_THROWS_WITH_AS(resolve(InitializerRef("glorot_unifrom"), "Dense"),
                       "Dense: no initializer is named \"glorot_unifrom\"; did you mean \"glorot_uniform\"?", Error);
  CHECK_THROWS_AS(resolve(RegularizerRef("l3x"), "Dense"), Error);
  CHECK_THROWS_AS(resolve(ConstraintRef("maxnorm_"), "Dense"), Error);
  CHECK_THROWS_AS(RandomNormal({.stddev = -1}), Error);
  CHECK_THROWS_AS(RandomUniform({.minval = 1, .maxval = 0}), Error);
  CHECK_THROWS_AS(VarianceScaling({.scale = 0}), Error);
  CHECK_THROWS_AS(VarianceScaling({.mode = "fan"}), Error);
  CHECK_THROWS_AS(VarianceScaling({.distribution = "cauchy"}), Error);
}

TEST_CASE("a class of one's own goes through files once it is registered") {
  const Config unknown = to_config(std::shared_ptr<Initializer>(std::make_shared<Halves>()));
  CHECK(unknown.at("module").is_null());
  CHECK_THROWS_AS(initializer_from_config(unknown), Error);
  register_initializer("lab>Halves", [](const Config&) { return std::make_shared<Halves>(); });
  const Config config = to_config(std::shared_ptr<Initializer>(std::make_shared<Halves>()));
  CHECK(config.at("registered_name") == Config("lab>Halves"));
  CHECK(values(*resolve(initializer_from_config(config), "x"), {1}) == std::vector<float>{0.5F});
  CHECK(values(*resolve(InitializerRef("Halves"), "x"), {1}) == std::vector<float>{0.5F});
  const InitializerRef function = [](const Shape& shape, DType dtype) { return zeros(shape, dtype); };
  CHECK_THROWS_AS(initializer_from_config(to_config(resolve(function, "x"))), Error);
}

TEST_CASE("configs are Keras' and come back") {
  for (const char* name :
       {"Zeros", "Ones", "Constant", "Identity", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling",
        "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "Orthogonal"}) {
    CAPTURE(name);
    const Config config = to_config(resolve(InitializerRef(name), "x"));
    CHECK(config.at("module") == Config("keras.initializers"));
    CHECK(config.at("class_name") == Config(name));
    CHECK(to_config(resolve(initializer_from_config(config), "x")) == config);
  }
  CHECK(to_config(std::shared_ptr<Regularizer>(std::make_shared<L1>())).json() ==
        "{\"module\": \"keras.regularizers\", \"class_name\": \"L1\", \"config\": {\"l1\": 0.009999999776482582}, "
        "\"registered_name\": null}");
  CHECK(MaxNorm(3).config().json() == "{\"max_value\": 3, \"axis\": 0}");
  CHECK(MaxNorm({.max_value = 2.5, .axis = {0, 1}}).config().json() == "{\"max_value\": 2.5, \"axis\": [0, 1]}");
  const Config norm = to_config(std::shared_ptr<Constraint>(std::make_shared<MinMaxNorm>()));
  CHECK(to_config(resolve(constraint_from_config(norm), "x")) == norm);
  CHECK(resolve(regularizer_from_config(Config()), "x") == nullptr);
}

TEST_CASE("regularizers") {
  const Tensor x = tensor({{1.0, -2.0}, {3.0, 0.5}});
  CHECK(L1(0.1)(x).item<double>() == doctest::Approx(0.65));
  CHECK(L2(0.1)(x).item<double>() == doctest::Approx(1.425));
  CHECK(L1L2(0.1, 0.1)(x).item<double>() == doctest::Approx(2.075));
  CHECK(L1L2()(x).item<double>() == 0.0);
  // cos of the rows (1, -2) and (3, 0.5): 2 / (√5 √9.25)
  CHECK(OrthogonalRegularizer({.factor = 1.0})(x).item<double>() ==
        doctest::Approx(2.0 / std::sqrt(5.0 * 9.25)).epsilon(1e-6));
  CHECK_THROWS_WITH_AS(L2(-1e-3), "L2: l2 must be a number that is not negative, got -0.001", Error);
  CHECK_THROWS_AS(L1(std::nan("")), Error);
  CHECK_THROWS_AS(OrthogonalRegularizer({.mode = "diagonal"}), Error);
  CHECK_THROWS_AS(OrthogonalRegularizer()(zeros({3})), Error);
}

TEST_CASE("constraints") {
  const Tensor w = tensor({{3.0, 0.3}, {4.0, 0.4}});  // columns of norms 5 and 0.5
  const auto close = [](const Tensor& a, const Tensor& b) { return max(abs(a - b)).item<double>() < 1e-5; };
  CHECK(close(MaxNorm(2)(w), tensor({{1.2, 0.3}, {1.6, 0.4}})));
  CHECK(close(UnitNorm()(w), tensor({{0.6, 0.6}, {0.8, 0.8}})));
  CHECK(close(MinMaxNorm({.min_value = 1.0, .max_value = 2.0})(w), tensor({{1.2, 0.6}, {1.6, 0.8}})));
  CHECK(close(MinMaxNorm({.min_value = 1.0, .max_value = 2.0, .rate = 0.5})(w), tensor({{2.1, 0.45}, {2.8, 0.6}})));
  CHECK(close(NonNeg()(tensor({-1.0, 2.0})), tensor({0.0, 2.0})));
  CHECK(close(UnitNorm()(zeros({2, 2})), zeros({2, 2})));
  CHECK_THROWS_AS(MaxNorm(-1), Error);
  CHECK_THROWS_AS(MinMaxNorm({.min_value = 2.0, .max_value = 1.0}), Error);
  CHECK_THROWS_AS(MinMaxNorm({.rate = 1.5}), Error);
}
