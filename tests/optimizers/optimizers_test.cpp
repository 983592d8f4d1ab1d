#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>

#include <nyala/autograd.hpp>
#include <nyala/constraints.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>
#include <nyala/optimizers.hpp>
#include <nyala/register.hpp>

#include "autograd/variable_impl.hpp"

using namespace nyala;

namespace {

Variable variable(const std::string& path, const Tensor& value) {
  Variable v(value, {.name = path.substr(path.rfind('/') + 1)});
  v.impl()->path = path;
  return v;
}

std::vector<double> numbers(const Variable& v) { return v.value().to_vector<double>(); }

std::vector<std::string> paths(const Optimizer& optimizer) {
  std::vector<std::string> result;
  for (const Variable& v : optimizer.variables()) result.push_back(v.path());
  return result;
}

/// One step of gradient 1 on a variable that begins at 0.
template <class O>
double after_one_step(O optimizer) {
  const Variable v = variable("v", zeros({1}));
  optimizer.apply({ones({1})}, {v});
  return numbers(v)[0];
}

}  // namespace

TEST_CASE("gradient descent on a bowl finds its bottom, whatever the optimizer") {
  const auto bottom = [](std::shared_ptr<Optimizer> optimizer) {
    const Variable v = variable("v", tensor({3.0, -2.0}));
    optimizer->set_learning_rate(0.1);
    for (int step = 0; step < 400; ++step) {
      GradientTape tape;
      const Tensor loss = sum(square(Tensor(v) - tensor({1.0, 0.5})));
      optimizer->apply(tape.gradient(loss, std::vector<Variable>{v}), {v});
    }
    return std::hypot(numbers(v)[0] - 1.0, numbers(v)[1] - 0.5);
  };
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "adagrad", "lion", "lamb", "ftrl"}) {
    CAPTURE(name);
    CHECK(bottom(resolve(OptimizerRef(name), "test")) < 0.2);
  }
}

TEST_CASE("variables are in Keras' order, under Keras' paths") {
  const std::vector<Variable> trained{variable("sequential/dense/kernel", zeros({2, 3})),
                                      variable("sequential/dense/bias", zeros({3}))};
  Adam adam({.amsgrad = true, .use_ema = true});
  CHECK(paths(adam) == std::vector<std::string>{"adam/iteration", "adam/learning_rate"});
  adam.build(trained);
  CHECK(paths(adam) ==
        std::vector<std::string>{"adam/iteration", "adam/learning_rate", "adam/sequential_dense_kernel_average",
                                 "adam/sequential_dense_bias_average", "adam/sequential_dense_kernel_momentum",
                                 "adam/sequential_dense_kernel_velocity", "adam/sequential_dense_bias_momentum",
                                 "adam/sequential_dense_bias_velocity", "adam/sequential_dense_kernel_velocity_hat",
                                 "adam/sequential_dense_bias_velocity_hat"});
  CHECK(adam.variables()[0].dtype() == DType::int32);
  SGD scheduled({.learning_rate = ExponentialDecay(0.1, 10, 0.5), .momentum = 0.9});
  scheduled.build(trained);
  CHECK(paths(scheduled) == std::vector<std::string>{"sgd/iteration", "sgd/sequential_dense_kernel_momentum",
                                                     "sgd/sequential_dense_bias_momentum"});
}

TEST_CASE("copies share slots and step count") {
  const Variable a = variable("a", ones({2})), b = variable("b", ones({2}));
  Adam one({.learning_rate = 0.1}), alone({.learning_rate = 0.1});
  Adam copy = one;
  for (int step = 0; step < 4; ++step) {
    (step % 2 == 0 ? one : copy).apply({a.value() * 2.0}, {a});
    alone.apply({b.value() * 2.0}, {b});
  }
  CHECK(numbers(a) == numbers(b));
  CHECK(one.iterations() == 4);
  CHECK(copy.variables()[2].is(one.variables()[2]));
}

TEST_CASE("the state can be written back: a restored optimizer goes on in the same way") {
  const Variable a = variable("a", ones({2})), b = variable("a", ones({2}));
  RMSprop one({.momentum = 0.9, .centered = true}), two({.momentum = 0.9, .centered = true});
  one.apply({tensor({1.0, 2.0})}, {a});
  two.build({b});
  b.impl()->value = a.value().clone();
  for (std::size_t i = 0; i < one.variables().size(); ++i) two.variables()[i].assign(one.variables()[i].value());
  one.apply({tensor({0.5, 2.0})}, {a});
  two.apply({tensor({0.5, 2.0})}, {b});
  CHECK(numbers(a) == numbers(b));
  CHECK(two.iterations() == 2);
}

TEST_CASE("mistakes have names") {
  CHECK_THROWS_WITH_AS(Adam({.learning_rate = 0}), "adam: learning_rate must be positive, got 0.0", Error);
  CHECK_THROWS_WITH_AS(SGD({.learning_rate = -0.1}), "sgd: learning_rate must be positive, got -0.1", Error);
  CHECK_THROWS_AS(SGD({.learning_rate = std::nan("")}), Error);
  CHECK_THROWS_AS(Adam({.beta_1 = 1.0}), Error);
  CHECK_THROWS_AS(Adam({.beta_2 = -0.1}), Error);
  CHECK_THROWS_AS(SGD({.momentum = 1.5}), Error);
  CHECK_THROWS_AS(RMSprop({.rho = 2.0}), Error);
  CHECK_THROWS_AS(Adam({.weight_decay = -1.0}), Error);
  CHECK_THROWS_AS(AdamW({.weight_decay = {}}), Error);
  CHECK_THROWS_AS(Adam({.clipnorm = 0.0}), Error);
  CHECK_THROWS_WITH_AS(Adam({.clipnorm = 1.0, .clipvalue = 1.0}),
                       "adam: only one of clipnorm, clipvalue and global_clipnorm can be given", Error);
  CHECK_THROWS_AS(Adam({.use_ema = true, .ema_momentum = 1.5}), Error);
  CHECK_THROWS_AS(Adam({.use_ema = true, .ema_overwrite_frequency = 0}), Error);
  CHECK_THROWS_WITH_AS(Adam({.gradient_accumulation_steps = 1}),
                       "adam: gradient_accumulation_steps must be at least 2, got 1", Error);
  CHECK_THROWS_AS(Adam({.loss_scale_factor = 0.0}), Error);
  CHECK_THROWS_WITH_AS(resolve(OptimizerRef("adma"), "compile"),
                       "compile: no optimizer is named \"adma\"; did you mean \"adam\"?", Error);
  CHECK(resolve(OptimizerRef("ADAM"), "compile")->class_name() == "Adam");
  CHECK_THROWS_AS(ExponentialDecay(0.1, 0, 0.5), Error);
  CHECK_THROWS_AS(PiecewiseConstantDecay({10, 5}, {1.0, 0.5, 0.1}), Error);
  CHECK_THROWS_AS(PiecewiseConstantDecay({10}, {1.0}), Error);
  CHECK_THROWS_AS(CosineDecay(-0.1, 10), Error);
}

TEST_CASE("apply refuses what does not fit") {
  const Variable v = variable("dense/kernel", zeros({2})), other = variable("other/kernel", zeros({2}));
  SGD sgd;
  CHECK_THROWS_WITH_AS(sgd.apply({ones({2}), ones({2})}, {v}),
                       "sgd: apply takes one gradient per variable, got 2 gradients and 1 variables", Error);
  CHECK_THROWS_WITH_AS(sgd.apply({ones({3})}, {v}), "sgd: the gradient of \"dense/kernel\" (2,) has the shape (3,)",
                       Error);
  sgd.apply({ones({2})}, {v});
  CHECK_THROWS_WITH_AS(sgd.apply({ones({2})}, {other}),
                       "sgd: the variable \"other/kernel\" (2,) is none of those that this optimizer was built with; "
                       "a new set of variables needs a new one",
                       Error);
  CHECK_THROWS_AS(sgd.apply({Tensor()}, {v}), Error);
  CHECK_THROWS_AS(sgd.apply({ones({2})}, {Variable()}), Error);
  SGD fresh;
  CHECK_THROWS_AS(fresh.build({v, v}), Error);
  CHECK_THROWS_AS(fresh.build({variable("ids", zeros({2}, DType::int32))}), Error);
  CHECK(sgd.iterations() == 1);
  sgd.apply({}, {});
  CHECK(sgd.iterations() == 1);
}

TEST_CASE("variables without a gradient stay, those in another order are found") {
  const Variable a = variable("a", ones({1})), b = variable("b", ones({1}));
  SGD sgd({.learning_rate = 0.5});
  sgd.apply({Tensor(), ones({1})}, {a, b});
  CHECK(numbers(a)[0] == 1.0);
  CHECK(numbers(b)[0] == 0.5);
  sgd.apply({full({1}, 1.0), full({1}, 0.2)}, {b, a});
  CHECK(numbers(a)[0] == doctest::Approx(0.9));
  CHECK(numbers(b)[0] == doctest::Approx(0.0));
}

TEST_CASE("NaN passes through, so that it is seen") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const char* name : {"sgd", "adam", "rmsprop", "adagrad"}) {
    const Variable v = variable("v", zeros({2}));
    resolve(OptimizerRef(name), "test")->apply({tensor({nan, 1.0})}, {v});
    CAPTURE(name);
    CHECK(std::isnan(numbers(v)[0]));
    CHECK_FALSE(std::isnan(numbers(v)[1]));
  }
  const Variable a = variable("a", zeros({1})), b = variable("b", zeros({1}));
  SGD clipped({.global_clipnorm = 1.0});
  clipped.apply({tensor({nan}), ones({1})}, {a, b});
  CHECK(std::isnan(numbers(b)[0]));
}

TEST_CASE("clipping") {
  const auto step = [](SGDOptions options) {
    options.learning_rate = 1.0;
    const Variable a = variable("a", zeros({2})), b = variable("b", zeros({1}));
    SGD(options).apply({tensor({3.0, 4.0}), tensor({12.0})}, {a, b});
    return std::vector<double>{-numbers(a)[0], -numbers(a)[1], -numbers(b)[0]};
  };
  const auto close = [](const std::vector<double>& x, const std::vector<double>& y) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::abs(x[i] - y[i]) > 1e-5) return false;
    }
    return true;
  };
  CHECK(close(step({.clipnorm = 1.0}), {0.6, 0.8, 1.0}));
  CHECK(close(step({.clipnorm = 100.0}), {3.0, 4.0, 12.0}));
  CHECK(close(step({.clipvalue = 3.5}), {3.0, 3.5, 3.5}));
  CHECK(close(step({.global_clipnorm = 1.0}), {3.0 / 13, 4.0 / 13, 12.0 / 13}));
  CHECK(close(step({.loss_scale_factor = 2.0}), {1.5, 2.0, 6.0}));
}

TEST_CASE("weights decay before the step; excluded ones do not") {
  const Variable kernel = variable("dense/kernel", ones({1})), bias = variable("dense/bias", ones({1}));
  AdamW adam({.learning_rate = 0.1, .weight_decay = 0.5});
  adam.exclude_from_weight_decay({"bias"});
  adam.apply({zeros({1}), zeros({1})}, {kernel, bias});
  CHECK(numbers(kernel)[0] == doctest::Approx(0.95));
  CHECK(numbers(bias)[0] == 1.0);
  CHECK_THROWS_AS(adam.exclude_from_weight_decay({"kernel"}), Error);
  CHECK_THROWS_AS(Adam().exclude_from_weight_decay({"("}), Error);
  CHECK_THROWS_AS(Adam().exclude_from_weight_decay({"(a+)+$"}), Error);
  const Variable v = variable("v", ones({1}));
  Adagrad general({.learning_rate = 0.1, .weight_decay = 0.5});
  general.apply({zeros({1})}, {v});
  CHECK(numbers(v)[0] == doctest::Approx(0.95));
}

TEST_CASE("gradients add up over small steps, and their mean is applied") {
  const Variable v = variable("v", zeros({1}));
  SGD sgd({.learning_rate = 1.0, .gradient_accumulation_steps = 3});
  sgd.apply({full({1}, 1.0)}, {v});
  sgd.apply({full({1}, 2.0)}, {v});
  CHECK(numbers(v)[0] == 0.0);
  sgd.apply({full({1}, 6.0)}, {v});
  CHECK(numbers(v)[0] == doctest::Approx(-3.0));
  CHECK(sgd.iterations() == 3);
  for (int i = 0; i < 3; ++i) sgd.apply({full({1}, 1.0)}, {v});
  CHECK(numbers(v)[0] == doctest::Approx(-4.0));
}

TEST_CASE("moving averages: kept beside, written over the weights when asked") {
  const Variable v = variable("v", ones({1}));
  SGD sgd({.learning_rate = 1.0, .use_ema = true, .ema_momentum = 0.5});
  sgd.apply({ones({1})}, {v});   // w = 0, average = 0
  sgd.apply({-ones({1})}, {v});  // w = 1, average = 0.5
  CHECK(numbers(v)[0] == 1.0);
  sgd.finalize_variable_values({v});
  CHECK(numbers(v)[0] == doctest::Approx(0.5));
  const Variable u = variable("u", ones({1}));
  SGD often({.learning_rate = 1.0, .use_ema = true, .ema_momentum = 0.5, .ema_overwrite_frequency = 2});
  often.apply({ones({1})}, {u});
  often.apply({-ones({1})}, {u});
  CHECK(numbers(u)[0] == doctest::Approx(0.5));
}

TEST_CASE("constraints hold after each step") {
  const Variable v = variable("v", tensor({0.5, 2.0}));
  v.impl()->constraint = std::make_shared<NonNeg>();
  SGD sgd({.learning_rate = 1.0});
  sgd.apply({ones({2})}, {v});
  CHECK(numbers(v) == std::vector<double>{0.0, 1.0});
}

TEST_CASE("learning rates: kept in float32, set, scheduled") {
  Adam adam;
  CHECK(adam.learning_rate() == static_cast<double>(0.001F));
  adam.set_learning_rate(0.25);
  CHECK(adam.config().at("learning_rate") == Config(0.25));
  CHECK_THROWS_AS(adam.set_learning_rate(-1.0), Error);
  SGD sgd({.learning_rate = PiecewiseConstantDecay({1}, {1.0, 0.1})});
  CHECK_THROWS_WITH_AS(sgd.set_learning_rate(0.1), "sgd: the learning rate follows a schedule and cannot be set",
                       Error);
  const Variable v = variable("v", zeros({1}));
  for (int i = 0; i < 3; ++i) sgd.apply({ones({1})}, {v});
  CHECK(numbers(v)[0] == doctest::Approx(-2.1));
}

TEST_CASE("storage that others hold is left alone") {
  const Variable v = variable("v", zeros({2}));
  const Tensor before = v.value();
  SGD sgd({.learning_rate = 1.0});
  sgd.apply({ones({2})}, {v});
  CHECK(before.to_vector<float>() == std::vector<float>{0, 0});
  const void* place = v.value().raw_data();
  sgd.apply({ones({2})}, {v});
  CHECK(v.value().raw_data() == place);
}

TEST_CASE("half precision and double precision variables") {
  for (const DType dtype : {DType::bfloat16, DType::float16, DType::float64}) {
    const Variable v = variable("v", ones({3}, dtype));
    Adam adam({.learning_rate = 0.5});
    adam.apply({ones({3})}, {v});
    CHECK(v.dtype() == dtype);
    CHECK(numbers(v)[0] == doctest::Approx(0.5).epsilon(0.01));
  }
}

TEST_CASE("a loss scale that follows the gradients") {
  const Variable v = variable("v", zeros({2}));
  LossScaleOptimizer scaled(SGD({.learning_rate = 1.0}), {.initial_scale = 4.0, .dynamic_growth_steps = 2});
  CHECK(scaled.scale_loss(Tensor(0.5)).item<double>() == 2.0);
  scaled.apply({full({2}, 4.0)}, {v});
  CHECK(numbers(v)[0] == -1.0);
  scaled.apply({full({2}, 4.0)}, {v});
  CHECK(scaled.dynamic_scale() == 8.0);
  scaled.apply({tensor({1.0, std::numeric_limits<double>::infinity()})}, {v});
  CHECK(numbers(v)[0] == -2.0);
  CHECK(scaled.dynamic_scale() == 4.0);
  CHECK(scaled.iterations() == 2);
  CHECK(paths(scaled) ==
        std::vector<std::string>{"loss_scale_optimizer/iteration", "loss_scale_optimizer/learning_rate",
                                 "loss_scale_optimizer/step_counter", "loss_scale_optimizer/dynamic_scale",
                                 "sgd/iteration", "sgd/learning_rate"});
  scaled.set_learning_rate(0.5);
  CHECK(scaled.inner_optimizer()->learning_rate() == 0.5);
  CHECK_THROWS_AS(LossScaleOptimizer(SGD({.loss_scale_factor = 2.0})), Error);
  CHECK_THROWS_AS(LossScaleOptimizer(nullptr), Error);
  CHECK_THROWS_AS(LossScaleOptimizer("adam", {.initial_scale = 0}), Error);
  const Config config = to_config(scaled);
  CHECK(to_config(*optimizer_from_config(config)) == config);
}

TEST_CASE("Muon takes steps of one size along orthogonal directions, and leaves the rest to AdamW") {
  const Variable kernel = variable("dense/kernel", zeros({4, 6})), bias = variable("dense/bias", zeros({6}));
  const Variable table = variable("embedding/embeddings", zeros({5, 3}));
  Muon muon({.learning_rate = 0.1});
  const Tensor gradient = tensor({{1.0, 2.0, 0.5, -1.0, 0.3, 0.0},
                                  {0.0, 1.0, -2.0, 0.4, 1.0, 2.0},
                                  {3.0, 0.0, 0.0, 1.0, 0.0, 1.0},
                                  {0.1, 0.2, 0.3, 0.4, 0.5, -3.0}});
  muon.apply({gradient, ones({6}), ones({5, 3})}, {kernel, bias, table});
  CHECK(muon.variables().size() == 2 + 1 + 2 + 2);
  const Tensor step = kernel.value() / (-0.1 * 0.2 * std::sqrt(6.0));
  const SVD parts = svd(step);
  CHECK(max(parts.s).item<double>() < 1.3);
  CHECK(min(parts.s).item<double>() > 0.6);
  CHECK(numbers(bias)[0] == doctest::Approx(-0.1).epsilon(1e-4));
  CHECK(numbers(table)[0] == doctest::Approx(-0.1).epsilon(1e-4));
  CHECK_THROWS_AS(Muon({.exclude_layers = {"("}}), Error);
  CHECK_THROWS_AS(Muon({.exclude_layers = {"(a+)+$"}}), Error);  // may come out of a file, and would take for ever
}

TEST_CASE("two steps of Muon as Keras takes them") {
  const auto close = [](const Variable& v, const Tensor& expected) {
    return max(abs(v.value() - expected)).item<double>() < 2e-6;
  };
  const Tensor start = tensor({{0.5, -1.0, 0.2}, {1.0, 0.3, -0.7}});
  const Tensor first = tensor({{0.1, -0.4, 1.0}, {0.3, 0.2, -0.5}}),
               second = tensor({{-0.6, 0.4, 0.2}, {0.7, -0.2, 0.5}});
  const Variable kernel = variable("kernel", start), bias = variable("bias", tensor({0.1, -0.2}));
  Muon muon({.learning_rate = 0.1});
  muon.apply({first, tensor({0.5, -1.0})}, {kernel, bias});
  CHECK(close(kernel, tensor({{0.48950544, -0.99096751, 0.17833875}, {0.97729653, 0.29585963, -0.68966901}})));
  CHECK(close(bias, tensor({-3.8690865e-05, -0.09992099})));
  muon.apply({second, tensor({-0.5, 0.25})}, {kernel, bias});
  CHECK(close(kernel, tensor({{0.51001263, -0.99832064, 0.15514483}, {0.9464938, 0.299824, -0.69803518}})));
  CHECK(close(bias, tensor({0.00522441, -0.05293483})));
  const Variable tall = variable("kernel", transpose(start));
  Muon plain({.learning_rate = 0.1, .nesterov = false, .rms_rate = {}});
  plain.apply({transpose(first)}, {tall});
  CHECK(close(tall, tensor({{0.47008213, 0.93521541}, {-0.97468013, 0.28827417}, {0.13762031, -0.67070538}})));
}

TEST_CASE("configs come back") {
  const std::vector<std::shared_ptr<Optimizer>> all{
      std::make_shared<SGD>(
          SGDOptions{.learning_rate = CosineDecay(0.1, 100, {.warmup_target = 0.2}), .nesterov = true}),
      std::make_shared<AdamW>(AdamWOptions{.weight_decay = 0.1, .global_clipnorm = 1.0, .name = "mine"}),
      std::make_shared<RMSprop>(RMSpropOptions{.centered = true, .use_ema = true}),
      std::make_shared<Adafactor>(AdafactorOptions{.relative_step = false}),
      std::make_shared<Muon>(MuonOptions{.exclude_layers = {"head"}, .rms_rate = {}}),
      std::make_shared<Ftrl>(FtrlOptions{.l1_regularization_strength = 0.1}),
      std::make_shared<ScheduleFreeAdamW>(ScheduleFreeAdamWOptions{.warmup_steps = 10})};
  for (const auto& optimizer : all) {
    const Config config = to_config(*optimizer);
    CAPTURE(config.json());
    CHECK(to_config(*optimizer_from_config(config)) == config);
    CHECK(config.at("module") == Config("keras.optimizers"));
  }
  CHECK(to_config(Adam()).json() ==
        "{\"module\": \"keras.optimizers\", \"class_name\": \"Adam\", \"config\": {\"name\": \"adam\", "
        "\"learning_rate\": 0.0010000000474974513, \"weight_decay\": null, \"clipnorm\": null, \"global_clipnorm\": "
        "null, \"clipvalue\": null, \"use_ema\": false, \"ema_momentum\": 0.99, \"ema_overwrite_frequency\": null, "
        "\"loss_scale_factor\": null, \"gradient_accumulation_steps\": null, \"beta_1\": 0.9, \"beta_2\": 0.999, "
        "\"epsilon\": 1e-07, \"amsgrad\": false}, \"registered_name\": null}");
  CHECK(optimizer_from_config(Config()) == nullptr);
}

TEST_CASE("first steps have the size that the papers give them") {
  CHECK(after_one_step(Adam({.learning_rate = 0.1})) == doctest::Approx(-0.1).epsilon(1e-4));
  CHECK(after_one_step(Lion({.learning_rate = 0.1})) == doctest::Approx(-0.1));
  CHECK(after_one_step(SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true})) == doctest::Approx(-0.19));
  CHECK(after_one_step(RMSprop({.learning_rate = 0.1})) == doctest::Approx(-0.1 / std::sqrt(0.1)).epsilon(1e-5));
  CHECK(after_one_step(Adagrad({.learning_rate = 0.1})) == doctest::Approx(-0.1 / std::sqrt(1.1)));
}
