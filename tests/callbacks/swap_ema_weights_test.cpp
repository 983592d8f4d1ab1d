#include <doctest/doctest.h>

#include <vector>

#include <nyala/callbacks.hpp>
#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/model.hpp>
#include <nyala/optimizers.hpp>

using namespace nyala;

namespace {

/// One weight w that steps lead from 0 to 0.4, 0.72 and 0.976 on the way to 2; its averages are 0.4, 0.56 and 0.768.
Model line(bool use_ema) {
  Model model = Sequential({Input({1}), Dense(1, {.use_bias = false, .kernel_initializer = "zeros"})});
  model.compile(SGD({.learning_rate = 0.1, .use_ema = use_ema, .ema_momentum = 0.5}), "mse");
  return model;
}

float weight_of(const Model& model) { return model.get_weights()[0].to_vector<float>().front(); }

struct Seen {
  std::vector<float> trained, tested, kept;
};

class Watch : public Callback {
 public:
  explicit Watch(Seen& seen) : seen_(seen) {}
  void on_train_batch_end(int, const Logs&) override { seen_.trained.push_back(weight_of(model())); }
  void on_test_batch_end(int, const Logs&) override { seen_.tested.push_back(weight_of(model())); }
  void on_epoch_end(int, const Logs&) override { seen_.kept.push_back(weight_of(model())); }

 private:
  Seen& seen_;
};

void check_near(const std::vector<float>& got, const std::vector<double>& expected) {
  REQUIRE_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(static_cast<double>(got[i]) == doctest::Approx(expected[i]));
}

}  // namespace

TEST_CASE("averages stand in for weights while a model is evaluated") {
  const Tensor x = ones({4, 1}), y = full({4, 1}, 2.0, DType::float32);
  for (const bool on_epoch : {false, true}) {
    CAPTURE(on_epoch);
    Model model = line(true);
    Seen seen;
    model.fit(x, y,
              {.epochs = 3,
               .batch_size = 4,
               .verbose = 0,
               .validation_data = {x, y},
               .callbacks = {SwapEMAWeights({.swap_on_epoch = on_epoch}), Watch(seen)}});
    check_near(seen.trained, {0.4, 0.72, 0.976});
    check_near(seen.tested, {0.4, 0.56, 0.768});
    check_near(seen.kept, on_epoch ? std::vector<double>{0.4, 0.56, 0.768} : std::vector<double>{0.4, 0.72, 0.976});
    CHECK(weight_of(model) == doctest::Approx(0.768));
  }
}

TEST_CASE("an optimizer without averages has nothing to swap") {
  const Tensor x = ones({4, 1});
  CHECK_THROWS_AS(line(false).fit(x, x, {.verbose = 0, .validation_data = {x, x}, .callbacks = {SwapEMAWeights()}}),
                  Error);
}
