#include <doctest/doctest.h>

#include <string>

#include <nyala/nyala.hpp>

using namespace nyala;

// Inputs and targets by name, as Keras takes them in dictionaries.

namespace {

struct Two {
  Two() : model(make()) {
    model.compile(SGD({.learning_rate = 0.1}), {{"price", "mse"}, {"kind", "mae"}},
                  {.loss_weights = {{"price", 0.5}, {"kind", 2.0}}});
  }
  static Model make() {
    set_random_seed(5);
    const KerasTensor a = Input({3}, {.name = "size"}), b = Input({2}, {.name = "place"});
    const KerasTensor both = Concatenate()({Dense(4)(a), Dense(2)(b)});
    return Model({a, b}, {Dense(1, {.name = "price"})(both), Dense(2, {.name = "kind"})(both)});
  }
  Model model;
  Tensor size = random::normal({10, 3}), place = random::normal({10, 2});
  Tensor price = random::normal({10, 1}), kind = random::normal({10, 2});
};

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("data by name does what data in order does, in any order of the names") {
  Two named, ordered;
  named.size = ordered.size, named.place = ordered.place, named.price = ordered.price, named.kind = ordered.kind;
  set_random_seed(1);
  const History by_name =
      named.model.fit({{"place", named.place}, {"size", named.size}}, {{"kind", named.kind}, {"price", named.price}},
                      {.epochs = 3,
                       .batch_size = 4,
                       .verbose = 0,
                       .validation_data = {{{"place", named.place}, {"size", named.size}},
                                           {{"kind", named.kind}, {"price", named.price}}}});
  set_random_seed(1);
  const History in_order =
      ordered.model.fit({ordered.size, ordered.place}, {ordered.price, ordered.kind},
                        {.epochs = 3,
                         .batch_size = 4,
                         .verbose = 0,
                         .validation_data = {{ordered.size, ordered.place}, {ordered.price, ordered.kind}}});
  CHECK(by_name["loss"] == in_order["loss"]);
  CHECK(by_name["val_loss"] == in_order["val_loss"]);

  const std::map<std::string, Tensor> x = {{"size", named.size}, {"place", named.place}},
                                      y = {{"price", named.price}, {"kind", named.kind}};
  const Tensors ordered_x{ordered.size, ordered.place}, ordered_y{ordered.price, ordered.kind};
  CHECK(named.model.evaluate(x, y, {.verbose = 0}).at("loss") ==
        ordered.model.evaluate(ordered_x, ordered_y, {.verbose = 0}).at("loss"));
  CHECK(named.model.train_on_batch(x, y).at("loss") == ordered.model.train_on_batch(ordered_x, ordered_y).at("loss"));
  CHECK(named.model.test_on_batch(x, y).at("loss") == ordered.model.test_on_batch(ordered_x, ordered_y).at("loss"));
  const Tensors predicted = named.model.predict(x, {.verbose = 0}), expected = ordered.model.predict(ordered_x);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(all(predicted[i] == expected[i]).item<bool>());
    CHECK(all(named.model.predict_on_batch(x)[i] == expected[i]).item<bool>());
  }
}

TEST_CASE("one input or one output by name") {
  Sequential model{Input({2}, {.name = "x"}), Dense(1, {.name = "y"})};
  model.compile("sgd", "mse");
  const Tensor x = ones({4, 2}), y = zeros({4, 1});
  model.fit({{"x", x}}, {{"y", y}}, {.verbose = 0});
  CHECK(model.predict({{"x", x}}, {.verbose = 0}).size() == 1);
}

TEST_CASE("names that do not fit are told") {
  Two two;
  const std::string unknown = message_of([&] { two.model.predict({{"size", two.size}, {"plaec", two.place}}); });
  CHECK(unknown.find("\"size\", \"place\"") != std::string::npos);
  CHECK(unknown.find("got \"plaec\"; did you mean \"place\"?") != std::string::npos);
  const std::string missing = message_of([&] { two.model.predict({{"size", two.size}}); });
  CHECK(missing.find("predict: x: nothing was given for \"place\"") != std::string::npos);
  const std::string twice = message_of([&] { two.model.predict({{"size", two.size}, {"size", two.size}}); });
  CHECK(twice.find("\"size\" was given more than once") != std::string::npos);
  const std::string target = message_of([&] {
    two.model.evaluate({two.size, two.place}, {{"price", two.price}, {"sort", two.kind}}, {.verbose = 0});
  });
  CHECK(target.find("evaluate: y: the model's outputs are \"price\", \"kind\", got \"sort\"") != std::string::npos);

  struct Own : Model {
    LayerRef dense = track(Dense(1));
    Tensor forward(const Tensor& x, bool) override { return dense(x); }
  };
  Own own;
  own.compile("sgd", "mse");
  const std::string subclass = message_of([&] { own.fit({{"x", ones({2, 2})}}, zeros({2, 1}), {.verbose = 0}); });
  CHECK(subclass.find("fit: x was given by name (\"x\"), but the model's inputs have no names") != std::string::npos);
}
