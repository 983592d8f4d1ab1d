#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <optional>
#include <vector>

#include <nyala/nyala.hpp>

#include "core/parallel.hpp"
#include "core/subnormals.hpp"
#include "support/device.hpp"

using namespace nyala;

namespace {

constexpr float tiny = 1e-30F, tinier = 1e-10F;  // their product is subnormal

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("operations keep subnormal numbers, layers take them for 0, on any number of threads") {
  if (testing::on_gpu()) return;  // whose arithmetic has no such cost
  for (const int count : {1, 2}) {
    CAPTURE(count);
    const Threads threads(count);
    const Tensor x = full({300'000, 1}, tinier);
    CHECK(std::fpclassify((x * tiny)(299'999, 0).item<float>()) == FP_SUBNORMAL);

    Model model = Sequential{Input({1}), Rescaling(tiny)};
    CHECK(max(abs(model(x))).item<float>() == 0.0F);
    CHECK(max(abs(model.predict(x))).item<float>() == 0.0F);
    CHECK(std::fpclassify((x * tiny)(299'999, 0).item<float>()) == FP_SUBNORMAL);
  }
}

TEST_CASE("the pool's threads compute as the thread does that gave them the job") {
  const Threads threads(2);
  const unsigned own = detail::float_mode();
  for (const bool flushed : {false, true, false}) {
    std::optional<detail::FlushSubnormals> flush;
    if (flushed) flush.emplace();
    const unsigned wanted = detail::float_mode();
    CHECK((wanted == own) == !flushed);
    std::vector<unsigned> seen(64);
    std::atomic<int> turns{0};
    detail::run_chunks(64, [&](std::int64_t chunk) {
      for (int turn = 0; turn < 5'000; ++turn) ++turns;  // long enough for the other thread to come
      seen[static_cast<std::size_t>(chunk)] = detail::float_mode();
    });
    for (const unsigned mode : seen) CHECK(mode == wanted);
  }
  CHECK(detail::float_mode() == own);
}

TEST_CASE("gradients that fade away over many steps end in 0, not in subnormal numbers") {
  if (testing::on_gpu()) return;
  // A forget gate of a quarter: gradients pass through all magnitudes until they are 0.
  set_random_seed(1);
  Model model = Sequential{Input({400, 4}), LSTM(8, {.unit_forget_bias = false}), Dense(1)};
  std::vector<Tensor> weights = model.get_weights();
  weights[2] = full(weights[2].shape(), -1.0F);
  model.set_weights(weights);
  const Tensor x = random::uniform({8, 400, 4}), y = random::uniform({8, 1});
  Variable input(x);
  GradientTape tape;
  const Tensor loss = mean(square(model(input) - y));
  const Tensor gradient = tape.gradient(loss, input);
  const std::vector<float> values = gradient.to_vector<float>();
  for (const float value : values) CHECK(std::fpclassify(value) != FP_SUBNORMAL);
}
