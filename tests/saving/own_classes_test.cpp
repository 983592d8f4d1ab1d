// Layers, metrics and optimizers of one's own say themselves how files hold them.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include <nyala/nyala.hpp>

#include "saving/hdf5_reader.hpp"
#include "saving_support.hpp"

using namespace nyala;
using saving_test::Folder;

namespace {

/// The mean of Keras' function, counted besides.
class CountedError : public MeanMetricWrapper {
 public:
  CountedError()
      : MeanMetricWrapper([](const Tensor& t, const Tensor& p) { return mean(abs(t - p), -1); }, {.name = "counted"}) {}
  std::string class_name() const override { return "CountedError"; }
  Config written_as() const override { return "mean_absolute_error"; }
};

/// Takes every gradient twice as large to the optimizer within.
class Doubled : public Optimizer {
 public:
  explicit Doubled(std::shared_ptr<Optimizer> inner)
      : Optimizer({.learning_rate = 1.0}, "doubled"), inner_(std::move(inner)) {}
  void build(const std::vector<Variable>& variables) override {
    inner_->build(variables);
    Optimizer::build(variables);
  }
  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) override {
    if (!built()) build(variables);
    std::vector<Tensor> doubled;
    for (const Tensor& gradient : gradients) doubled.push_back(gradient * 2.0);
    inner_->apply(doubled, variables);
  }
  std::vector<Variable> variables() const override {
    std::vector<Variable> all = Optimizer::variables();
    for (const Variable& variable : inner_->variables()) all.push_back(variable);
    return all;
  }
  std::shared_ptr<Optimizer> inner_optimizer() const override { return inner_; }
  std::string class_name() const override { return "Doubled"; }
  Config config() const override { return Config::object({{"inner_optimizer", to_config(*inner_)}}); }

 protected:
  void make_slots(const std::vector<Variable>&) override {}
  void update(const Tensor&, const Variable&, std::size_t, double) override {}

 private:
  std::shared_ptr<Optimizer> inner_;
};

/// The sum of two inputs, whose Python class has call(query, memory, mask=None).
class Meeting : public LayerOf<Meeting> {
 public:
  explicit Meeting(BaseOptions options = {}) : LayerOf(options) {}
  static Meeting from_config(const Config& config) { return Meeting(with_base(BaseOptions{}, config)); }
  Tensors call(const Tensors& inputs, bool) override { return inputs[0] - 2.0 * inputs[1]; }
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override { return {inputs.front()}; }
  std::string class_name() const override { return "Meeting"; }
  KerasForm keras_form() const override { return {.inputs = "query memory", .others = "mask"}; }
};

Sequential small_model() {
  set_random_seed(5);
  return Sequential{Input({3}), Dense(2)};
}

Config optimizer_in_config(const Model& model) {
  return Config::parse(model.to_json()).at("compile_config").at("optimizer");
}

struct MixedFloat16 {
  MixedFloat16() { set_dtype_policy("mixed_float16"); }
  ~MixedFloat16() { set_dtype_policy("float32"); }
};

}  // namespace

TEST_CASE("a layer of one's own says by which names its Python class takes its inputs") {
  register_layer<Meeting>("Custom>Meeting");
  const KerasTensor a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
  const Model model(std::vector<KerasTensor>{a, b}, Meeting({.name = "m"})({a, b}));
  const Config object = Config::parse(model.to_json()).at("config").at("layers")[2];
  CHECK(object.at("build_config") ==
        Config::parse(R"({"shapes_dict": {"query_shape": [null, 3], "memory_shape": [null, 3]}})"));
  const Config& call = object.at("inbound_nodes")[0];
  REQUIRE(call.at("args").size() == 2);
  CHECK(call.at("args")[1].at("config").at("keras_history")[0] == Config("b"));
  CHECK(call.at("kwargs") == Config::object({{"mask", nullptr}}));
  // By keyword, in the order of the alphabet, as Keras writes such a call.
  Config named =
      Config::object({{"args", Config::array()},
                      {"kwargs", Config::object({{"memory", call.at("args")[1]}, {"query", call.at("args")[0]}})}});
  std::string text = model.to_json();
  const std::size_t at = text.find(call.json());
  REQUIRE(at != std::string::npos);
  const Model again = model_from_json(text.replace(at, call.json().size(), named.json()));
  const Tensor x = random::normal({2, 3}), y = random::normal({2, 3});
  CHECK(saving_test::same({again.predict({x, y}, {.verbose = 0}).only()}, {x - 2.0 * y}, 1e-6));
}

TEST_CASE("a metric of one's own may be written as the function that it stands for") {
  Model model = small_model();
  model.compile("sgd", "mse", {.metrics = {CountedError()}});
  CHECK(Config::parse(model.to_json()).at("compile_config").at("metrics").json() == "[\"mean_absolute_error\"]");
  const Folder folder;
  model.save(folder.file("m.keras"));
  Model again = load_model(folder.file("m.keras"));
  const Tensor x = random::normal({4, 3}), y = random::normal({4, 2});
  CHECK(again.evaluate(x, y, {.verbose = 0}).at("mean_absolute_error") ==
        doctest::Approx(model.evaluate(x, y, {.verbose = 0}).at("counted")));
}

TEST_CASE(
    "the state within an optimizer of one's own that wraps another lies in a group of its own too, as Keras has it") {
  register_optimizer("Doubled", [](const Config& config) -> std::shared_ptr<Optimizer> {
    return std::make_shared<Doubled>(optimizer_from_config(config.at("inner_optimizer")));
  });
  Model model = small_model();
  model.compile(std::make_shared<Doubled>(std::make_shared<Adam>()), "mse");
  const Tensor x = random::normal({4, 3}), y = random::normal({4, 2});
  model.train_on_batch(x, y);
  const Folder folder;
  model.save_weights(folder.file("m.weights.h5"));
  const saving::Hdf5Reader file(folder.file("m.weights.h5"), "test");
  const auto inner = model.optimizer().inner_optimizer()->variables();
  REQUIRE(file.names("optimizer/inner_optimizer/vars").size() == inner.size());
  CHECK(file.read("optimizer/inner_optimizer/vars/2", inner[2].shape()).to_vector<double>() ==
        inner[2].value().to_vector<double>());
  model.save(folder.file("m.keras"));
  Model again = load_model(folder.file("m.keras"));
  CHECK(again.train_on_batch(x, y).at("loss") == model.train_on_batch(x, y).at("loss"));
  CHECK(saving_test::same(again.get_weights(), model.get_weights()));
}

TEST_CASE("under mixed_float16 files have the optimizer that the user gave") {
  const MixedFloat16 policy;
  Model model = small_model();
  model.compile("adam", "mse");
  CHECK(model.optimizer().class_name() == "LossScaleOptimizer");
  CHECK(optimizer_in_config(model).at("class_name") == Config("Adam"));
  model.compile(LossScaleOptimizer("adam", {.initial_scale = 256.0, .dynamic_growth_steps = 7}), "mse");
  const Config own = optimizer_in_config(model);
  CHECK(own.at("class_name") == Config("LossScaleOptimizer"));
  CHECK(own.at("config").at("dynamic_growth_steps") == Config(7));
}
