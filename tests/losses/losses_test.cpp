#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/losses.hpp>
#include <nyala/model.hpp>
#include <nyala/ops.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/register.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;

namespace {

double value(Loss&& loss, const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) {
  return loss(y_true, y_pred, sample_weight).item<double>();
}

doctest::Approx near(double x) { return doctest::Approx(x).epsilon(1e-5); }

class Signed : public Loss {
 public:
  Signed() : Loss("signed") {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override { return mean(y_true - y_pred, -1); }
  std::string class_name() const override { return "Signed"; }
};

const Tensor& truth() {
  static const Tensor x = tensor({{0.0, 1.0}, {2.0, 4.0}});
  return x;
}
const Tensor& guess() {
  static const Tensor x = tensor({{1.0, 1.0}, {2.0, 1.0}});
  return x;
}

}  // namespace

TEST_CASE("reductions") {  // losses of the two samples: 0.5 and 4.5
  CHECK(value(MeanSquaredError(), truth(), guess()) == near(2.5));
  CHECK(value(MeanSquaredError({.reduction = "sum"}), truth(), guess()) == near(5.0));
  CHECK(value(MeanSquaredError({.reduction = "mean"}), truth(), guess()) == near(2.5));
  CHECK(MeanSquaredError({.reduction = "none"})(truth(), guess()).to_vector<float>() == std::vector<float>{0.5F, 4.5F});
  const Tensor weights = tensor({1.0, 3.0});
  CHECK(value(MeanSquaredError(), truth(), guess(), weights) == near(7.0));
  CHECK(value(MeanSquaredError({.reduction = "sum"}), truth(), guess(), weights) == near(14.0));
  CHECK(value(MeanSquaredError({.reduction = "mean_with_sample_weight"}), truth(), guess(), weights) == near(3.5));
  CHECK(value(MeanSquaredError({.reduction = "mean_with_sample_weight"}), truth(), guess(), zeros({2})) == 0.0);
  CHECK_THROWS_WITH_AS(MeanSquaredError({.reduction = "summ"}),
                       "mean_squared_error: reduction must be one of sum_over_batch_size, sum, mean, "
                       "mean_with_sample_weight and none, got \"summ\"; did you mean \"sum\"?",
                       Error);
}

TEST_CASE("weights per sample reach every step") {
  const Tensor y_true = zeros({2, 3, 1}), y_pred = tensor({{{1.0}, {1.0}, {1.0}}, {{2.0}, {2.0}, {2.0}}});
  CHECK(value(MeanSquaredError(), y_true, y_pred, tensor({1.0, 0.5})) == near((3 + 6) / 6.0));
  CHECK(value(MeanSquaredError(), y_true, y_pred, tensor({{1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}})) == near(5 / 6.0));
  CHECK(value(MeanSquaredError(), y_true, y_pred, tensor({{1.0}, {0.5}})) == near((3 + 6) / 6.0));
  CHECK_THROWS_WITH_AS(MeanSquaredError()(y_true, y_pred, ones({4})),
                       "loss: sample weights of shape (4,) do not fit to losses of shape (2, 3)", Error);
}

TEST_CASE("weights of more axes than the losses broadcast with them, as in Keras") {
  const Tensor weights = tensor({{1.0, 2.0}, {0.0, 4.0}, {3.0, 0.0}});  // losses of the two samples: 0.5 and 4.5
  CHECK(value(MeanSquaredError(), truth(), guess(), weights) == near((2.0 + 27.0) / 6.0));
  CHECK(value(MeanSquaredError({.reduction = "sum"}), truth(), guess(), weights) == near(29.0));
  CHECK(value(MeanSquaredError({.reduction = "mean_with_sample_weight"}), truth(), guess(), weights) == near(2.9));
  CHECK(value(MeanSquaredError(), truth(), guess(), tensor({{1.0}, {3.0}})) == near(7.0));
  CHECK_THROWS_WITH_AS(MeanSquaredError()(truth(), guess(), ones({2, 3})),
                       "loss: sample weights of shape (2, 3) do not fit to losses of shape (2,)", Error);
}

TEST_CASE("no reduction, as a name and as Keras' None, which configs keep apart") {
  CHECK(MeanSquaredError({.reduction = std::nullopt})(truth(), guess()).shape() == Shape{2});
  CHECK(to_config(std::make_shared<MeanSquaredError>(LossOptions{.reduction = std::nullopt}))
            .at("config")
            .at("reduction")
            .is_null());
  const Config named = to_config(std::make_shared<MeanSquaredError>(LossOptions{.reduction = "none"}));
  CHECK(named.at("config").at("reduction") == Config("none"));
  CHECK(to_config(loss_from_config(named)) == named);

  Sequential model{Input({2}), Dense(2, {.kernel_initializer = "identity"})};
  model.compile("sgd", MeanSquaredError({.reduction = std::nullopt}));
  CHECK(model.evaluate(guess(), truth(), {.verbose = 0}).at("loss") == near(2.5));
  CHECK_THROWS_WITH_AS(model.fit(guess(), truth(), {.verbose = 0}), doctest::Contains("training needs a scalar loss"),
                       Error);
}

TEST_CASE("masked steps are left out") {
  const Tensor y_true = zeros({2, 2, 1}), y_pred = tensor({{{1.0}, {9.0}}, {{3.0}, {9.0}}});
  const Tensor mask = tensor({{true, false}, {true, false}});
  CHECK(value(MeanSquaredError(), y_true, y_pred.with_mask(mask)) == near(5.0));
  CHECK(value(MeanSquaredError({.reduction = "sum"}), y_true, y_pred.with_mask(mask)) == near(10.0));
  CHECK(value(MeanSquaredError(), y_true, y_pred.with_mask(mask), tensor({1.0, 3.0})) == near(14.0));
  CHECK(value(MeanSquaredError(), y_true, y_pred.with_mask(zeros({2, 2}, DType::boolean))) == 0.0);
  const Tensor spoilt = tensor({{{1.0}, {std::nan("")}}, {{3.0}, {9.0}}});
  CHECK(value(MeanSquaredError(), y_true, spoilt.with_mask(mask)) == near(5.0));
}

TEST_CASE("shapes: a trailing axis of one is forgiven, nothing else is") {
  CHECK(value(MeanSquaredError(), tensor({1.0, 2.0}), tensor({{1.0}, {4.0}})) == near(2.0));
  CHECK(value(MeanSquaredError(), tensor({{1.0}, {2.0}}), tensor({1.0, 4.0})) == near(2.0));
  CHECK_THROWS_WITH_AS(MeanSquaredError()(zeros({4, 2}), zeros({4, 3})),
                       "mean_squared_error: y_true and y_pred must have one shape, got (4, 2) and (4, 3)", Error);
  CHECK_THROWS_AS(MeanSquaredError()(zeros({4, 1}), zeros({4, 3})), Error);
  CHECK_THROWS_AS(MeanSquaredError()(zeros({4}), zeros({4, 3})), Error);
  CHECK_THROWS_AS(MeanSquaredError()(zeros({5, 3}), zeros({4, 3})), Error);
  CHECK_THROWS_AS(MeanSquaredError()(Tensor(), zeros({4, 3})), Error);
  CHECK(value(MeanSquaredError(), zeros({0, 3}), zeros({0, 3})) == 0.0);
}

TEST_CASE("dtypes: losses are computed in floatx, or in float64") {
  const Tensor labels = tensor({{0}, {1}}, DType::uint8);
  CHECK(MeanSquaredError()(labels, cast(tensor({{0.5}, {0.5}}), DType::bfloat16)).dtype() == DType::float32);
  CHECK(MeanSquaredError()(labels, cast(tensor({{0.5}, {0.5}}), DType::float64)).dtype() == DType::float64);
  CHECK(value(MeanAbsoluteError(), labels, tensor({{1}, {3}})) == near(1.5));
}

TEST_CASE("sparse categorical crossentropy") {
  const Tensor p = tensor({{0.7, 0.2, 0.1}, {0.1, 0.1, 0.8}});
  const double expected = -(std::log(0.7) + std::log(0.8)) / 2;
  CHECK(value(SparseCategoricalCrossentropy(), tensor({0, 2}), p) == near(expected));
  CHECK(value(SparseCategoricalCrossentropy(), tensor({{0}, {2}}), p) == near(expected));
  CHECK(value(SparseCategoricalCrossentropy(), tensor({0.0, 2.0}), p) == near(expected));
  CHECK(value(SparseCategoricalCrossentropy({.from_logits = true}), tensor({0, 2}), log(p)) == near(expected));
  CHECK(value(SparseCategoricalCrossentropy({.ignore_class = -1}), tensor({0, -1}), p) == near(-std::log(0.7)));
  CHECK(value(SparseCategoricalCrossentropy({.ignore_class = 2, .reduction = "sum"}), tensor({0, 2}), p) ==
        near(-std::log(0.7)));
  CHECK(value(SparseCategoricalCrossentropy({.axis = 1}), tensor({{0, 2}}),
              transpose(reshape(p, {1, 2, 3}), {0, 2, 1})) == near(expected));
  CHECK_THROWS_AS(value(SparseCategoricalCrossentropy(), tensor({0, -1}), p), Error);
  CHECK_THROWS_AS(value(SparseCategoricalCrossentropy(), tensor({0, 3}), p), Error);
  CHECK_THROWS_WITH_AS(SparseCategoricalCrossentropy()(tensor({{1, 0, 0}, {0, 0, 1}}), p),
                       "sparse_categorical_crossentropy: y_true must hold one class number for each prediction, the "
                       "shape (2,) for y_pred (2, 3), got (2, 3) (one-hot labels are for categorical_crossentropy)",
                       Error);
  CHECK_THROWS_AS(SparseCategoricalCrossentropy()(tensor({0, 1, 2}), p), Error);
  CHECK_THROWS_AS(SparseCategoricalCrossentropy()(tensor({0, 1}), zeros({2, 1})), Error);
}

TEST_CASE("categorical and binary crossentropy") {
  const Tensor y = tensor({{1.0, 0.0, 0.0}}), p = tensor({{0.5, 0.3, 0.2}});
  CHECK(value(CategoricalCrossentropy(), y, p) == near(-std::log(0.5)));
  const double smooth = -(0.1 / 3 + 0.9) * std::log(0.5) - 0.1 / 3 * (std::log(0.3) + std::log(0.2));
  CHECK(value(CategoricalCrossentropy({.label_smoothing = 0.1}), y, p) == near(smooth));
  CHECK(value(BinaryCrossentropy({.label_smoothing = 0.2}), tensor({{1.0}}), tensor({{0.8}})) ==
        near(-0.9 * std::log(0.8) - 0.1 * std::log(0.2)));
  CHECK(value(BinaryCrossentropy({.from_logits = true}), tensor({{1}, {0}}), tensor({{100.0}, {100.0}})) == near(50.0));
  CHECK(value(BinaryCrossentropy(), tensor({{0.0}}), tensor({{1.0}})) == near(-std::log(1e-7)).epsilon(0.02));
  CHECK_THROWS_WITH_AS(CategoricalCrossentropy()(zeros({2, 1}), zeros({2, 1})),
                       "categorical_crossentropy: y_pred needs at least 2 classes along axis -1, got the shape (2, 1); "
                       "a single output goes with binary_crossentropy",
                       Error);
  CHECK_THROWS_AS(CategoricalCrossentropy()(tensor({0, 1}), zeros({2, 3})), Error);
  CHECK_THROWS_WITH_AS(CategoricalCrossentropy({.label_smoothing = 1.5}),
                       "CategoricalCrossentropy: label_smoothing must be from 0 to 1, got 1.5", Error);
  CHECK_THROWS_AS(BinaryCrossentropy()(zeros({2, 1}), zeros({2, 3})), Error);
}

TEST_CASE("other options that make no sense") {
  CHECK_THROWS_AS(Huber({.delta = 0}), Error);
  CHECK_THROWS_AS(BinaryFocalCrossentropy({.gamma = -1}), Error);
  CHECK_THROWS_AS(Tversky({.alpha = -1}), Error);
  CHECK_THROWS_AS(CategoricalGeneralizedCrossEntropy({.q = 1}), Error);
  CHECK_THROWS_AS(Circle()(zeros({2}), zeros({2, 3, 1})), Error);
}

TEST_CASE("gradients") {
  using testing::gradcheck;
  using testing::scattered;
  const Tensor y = scattered({3, 4}, -1.0, 1.0, 3), x = scattered({3, 4}, 1.2, 3.0, 4),
               p = scattered({3, 4}, 0.1, 0.9, 5);
  const auto check = [](std::shared_ptr<Loss> loss, const Tensor& y_true, const Tensor& y_pred) {
    CAPTURE(loss->name());
    CHECK(gradcheck([&](const std::vector<Tensor>& in) { return (*loss)(y_true, in[0]); }, {y_pred}) == "");
  };
  const Tensor one_hot_labels = cast(one_hot(tensor({0, 3, 1}), 4), DType::float64), classes = tensor({0, 3, 1});
  check(std::make_shared<MeanSquaredError>(), y, x);
  check(std::make_shared<MeanAbsoluteError>(), y, x);
  check(std::make_shared<MeanAbsolutePercentageError>(), y, x);
  check(std::make_shared<MeanSquaredLogarithmicError>(), p, x);
  check(std::make_shared<Huber>(losses::HuberOptions{.delta = 0.71}), y, x);
  check(std::make_shared<LogCosh>(), y, x);
  check(std::make_shared<CosineSimilarity>(), y, x);
  check(std::make_shared<Poisson>(), p, x);
  check(std::make_shared<KLDivergence>(), p, p * 0.8);
  check(std::make_shared<Hinge>(), y, p);
  check(std::make_shared<SquaredHinge>(), one_hot_labels, p);
  check(std::make_shared<CategoricalHinge>(), one_hot_labels, p);
  check(std::make_shared<BinaryCrossentropy>(), one_hot_labels, p);
  check(std::make_shared<BinaryCrossentropy>(losses::BinaryCrossentropyOptions{.from_logits = true}), one_hot_labels,
        x);
  check(std::make_shared<CategoricalCrossentropy>(), one_hot_labels, p);
  check(std::make_shared<CategoricalCrossentropy>(
            losses::CategoricalCrossentropyOptions{.from_logits = true, .label_smoothing = 0.1}),
        one_hot_labels, x);
  check(std::make_shared<SparseCategoricalCrossentropy>(), classes, p);
  check(std::make_shared<SparseCategoricalCrossentropy>(
            losses::SparseCategoricalCrossentropyOptions{.from_logits = true, .ignore_class = 3}),
        classes, x);
  check(
      std::make_shared<BinaryFocalCrossentropy>(losses::BinaryFocalCrossentropyOptions{.apply_class_balancing = true}),
      one_hot_labels, p);
  check(std::make_shared<CategoricalFocalCrossentropy>(), one_hot_labels, p);
  check(std::make_shared<CategoricalGeneralizedCrossEntropy>(), classes, p);
  check(std::make_shared<Dice>(), one_hot_labels, p);
  check(std::make_shared<Tversky>(losses::TverskyOptions{.alpha = 0.3, .axis = {0}}), one_hot_labels, p);
  check(std::make_shared<Circle>(losses::CircleOptions{.gamma = 2.0}), tensor({0, 1, 0}), normalize(p));
}

TEST_CASE("names, callables, objects") {
  CHECK(resolve(LossRef("mse"), "compile")->class_name() == "MeanSquaredError");
  CHECK(resolve(LossRef("MSE"), "compile")->class_name() == "MeanSquaredError");
  CHECK_THROWS_WITH_AS(
      resolve(LossRef("categorical_crosentropy"), "compile"),
      "compile: no loss is named \"categorical_crosentropy\"; did you mean \"categorical_crossentropy\"?", Error);
  const LossRef function = [](const Tensor& t, const Tensor& p) { return abs(t - p); };
  CHECK((*resolve(function, "x"))(truth(), guess()).item<double>() == near(1.0));
  const auto by_shape = [](const Tensor& y, const Tensor& p) {
    return (*resolve(LossRef("crossentropy"), "compile"))(y, p).item<double>();
  };
  const Tensor p = tensor({{0.25, 0.75}});
  CHECK(by_shape(tensor({1}), p) == near(-std::log(0.75)));
  CHECK(by_shape(tensor({{0.0, 1.0}}), p) == near(-std::log(0.75)));
  CHECK(by_shape(tensor({{1.0}}), tensor({{0.25}})) == near(-std::log(0.25)));
  CHECK(mean_squared_error(truth(), guess()).to_vector<float>() == std::vector<float>{0.5F, 4.5F});
}

TEST_CASE("configs come back") {
  for (const auto& entry : detail::builtin_losses()) {
    const LossRef loss = entry.make(Config::object());
    const Config config = to_config(loss);
    CAPTURE(config.json());
    CHECK(config.at("class_name") == Config(entry.class_name));
    CHECK(to_config(loss_from_config(config)) == config);
  }
  CHECK(to_config(LossRef("mse")) == Config("mse"));
  CHECK(to_config(loss_from_config("mae")) == Config("mae"));
  CHECK(loss_from_config(Config()).is_none());
  CHECK_THROWS_AS(loss_from_config("maee"), Error);
  const LossRef custom = Signed();
  CHECK_THROWS_AS(loss_from_config(to_config(custom)), Error);
  register_loss("lab>Signed", [](const Config&) { return std::make_shared<Signed>(); });
  CHECK(loss_from_config(to_config(custom)).object()->class_name() == "Signed");
}
