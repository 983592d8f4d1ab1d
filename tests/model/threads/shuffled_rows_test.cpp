#include "model/shuffled_rows.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <nyala/nyala.hpp>

#include "core/seed_stream.hpp"
#include "core/tensor_impl.hpp"
#include "model/batches.hpp"
#include "support/device.hpp"

using namespace nyala;
using detail::Ahead;

// Rows that a second thread gathers ahead, beside those that the caller gathers: the same, whoever was faster.

namespace {

struct ThreadCount {
  explicit ThreadCount(int count) : before(num_threads()) { set_num_threads(count); }
  ~ThreadCount() { set_num_threads(before); }
  int before;
};

constexpr int many = 20'011;  // of 140 bytes: more than the 2 MB from where on a thread may help; no whole batches

Batch samples(int rows = many) {
  SeedGenerator seed(3);
  return {{random::normal({rows, 30}, 0.0, 1.0, DType::float32, seed),
           random::randint({rows, 3}, 0, 90, DType::int32, seed)},
          random::normal({rows, 1}, 0.0, 1.0, DType::float32, seed),
          random::uniform({rows}, 0.0, 1.0, DType::float32, seed)};
}

std::unique_ptr<detail::Batches> batches_of(const Batch& data, Ahead ahead, int batch_size = 100) {
  return detail::array_batches(data.x, data.y, data.sample_weight,
                               {.batch_size = batch_size, .shuffle = true, .ahead = ahead});
}

std::vector<double> values_of(const Batch& batch) {
  std::vector<double> values;
  for (const Tensors* tensors : {&batch.x, &batch.y, &batch.sample_weight}) {
    for (const Tensor& tensor : *tensors) {
      const std::vector<double> more = tensor.to_vector<double>();
      values.insert(values.end(), more.begin(), more.end());
    }
  }
  return values;
}

bool of_block(const Tensor& rows) { return rows.impl()->storage->bytes > 2 * rows.bytes(); }

/// What is left of the pass.
std::vector<Batch> rest_of(detail::Batches& batches, const std::function<void(const Batch&)>& look = {}) {
  std::vector<Batch> all;
  for (Batch batch; batches.next(batch);) {
    if (look) look(batch);
    all.push_back(batch);
  }
  return all;
}

void check_same(const std::vector<Batch>& found, const std::vector<Batch>& expected) {
  REQUIRE(found.size() == expected.size());
  int different = 0;
  for (std::size_t i = 0; i < found.size(); ++i) different += values_of(found[i]) != values_of(expected[i]);
  CHECK(different == 0);
}

/// Lets the other thread come first: until a batch is part of a block, for so many batches at most.
struct Patience {
  void operator()(const Batch& batch) {
    if (of_block(batch.x[0])) {
      ++of_blocks;
    } else if (of_blocks == 0 && waits++ < 100) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  int of_blocks = 0, waits = 0;
};

Sequential small_model() {
  Sequential model{Input({30}), Dense(4, {.activation = "tanh", .kernel_initializer = GlorotUniform({.seed = 1})}),
                   Dense(1, {.kernel_initializer = GlorotUniform({.seed = 2})})};
  model.compile(Adam({.learning_rate = 0.01}), "mse");
  return model;
}

struct Trained {
  std::vector<double> losses;
  std::vector<std::vector<float>> weights;
  bool operator==(const Trained&) const = default;
};

Trained trained(int threads, const Batch& data, const FitOptions& options) {
  const ThreadCount count(threads);
  set_random_seed(7);
  Sequential model = small_model();
  Trained result{model.fit(data.x[0], data.y, options)["loss"], {}};
  for (const Tensor& weight : model.get_weights()) result.weights.push_back(weight.to_vector<float>());
  return result;
}

/// Says after how many batches something happens in an epoch.
class At : public Callback {
 public:
  At(int batch, std::function<void(Model&)> what) : batch_(batch), what_(std::move(what)) {}
  void on_train_batch_end(int batch, const Logs&) override {
    if (batch == batch_) what_(model());
  }

 private:
  int batch_;
  std::function<void(Model&)> what_;
};

/// Keeps what it was called with.
class KeepingLoss : public Loss {
 public:
  explicit KeepingLoss(std::shared_ptr<std::vector<Tensor>> kept) : kept_(std::move(kept)) {}
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override {
    kept_->push_back(y_true);
    return mean(square(y_true - y_pred), -1);
  }

 private:
  std::shared_ptr<std::vector<Tensor>> kept_;
};

}  // namespace

TEST_CASE("rows gathered ahead are those of the order, also when all batches are kept") {
  if (testing::on_gpu()) return;  // where no thread gathers
  const ThreadCount two(2);
  const Batch data = samples();
  for (const int batch_size : {500, 100, 7}) {
    CAPTURE(batch_size);
    set_random_seed(1);
    const auto plain = batches_of(data, Ahead::never, batch_size);
    plain->start();
    const std::vector<Batch> expected = rest_of(*plain);
    CHECK_FALSE(of_block(expected.front().x[0]));
    const std::int64_t drawn = static_cast<std::int64_t>(detail::random_state().streams);
    set_random_seed(1);
    const auto ahead = batches_of(data, Ahead::always, batch_size);
    ahead->start();
    Patience patience;
    check_same(rest_of(*ahead, std::ref(patience)), expected);
    CHECK(patience.of_blocks > 0);
    CHECK(static_cast<std::int64_t>(detail::random_state().streams) == drawn);
    Batch none;
    CHECK_FALSE(ahead->next(none));
  }
}

TEST_CASE("rows gathered ahead: a thread that is slower, or waits, changes nothing") {
  const ThreadCount two(2);
  const Batch data = samples();
  set_random_seed(2);
  const auto plain = batches_of(data, Ahead::never);
  plain->start();
  const std::vector<Batch> expected = rest_of(*plain);
  for (int run = 0; run < 6; ++run) {
    set_random_seed(2);
    const auto ahead = batches_of(data, run % 2 == 0 ? Ahead::always : Ahead::where_it_pays);
    ahead->start();
    int count = 0;
    check_same(rest_of(*ahead,
                       [&](const Batch&) {
                         if (++count % (100 - run) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(run));
                       }),
               expected);
  }
}

TEST_CASE("rows gathered ahead: from the middle of a pass, and a new pass in the middle of one") {
  if (testing::on_gpu()) return;  // where no thread gathers
  const ThreadCount two(2);
  const Batch data = samples();
  set_random_seed(3);
  const auto first = batches_of(data, Ahead::always);
  first->start();
  Batch batch;
  for (int i = 0; i < 37; ++i) REQUIRE(first->next(batch));
  const Config position = first->position();
  const std::vector<Batch> rest = rest_of(*first);
  random::uniform({2});
  const detail::RandomState later = detail::random_state();

  const auto second = batches_of(data, Ahead::always);
  second->start();
  for (int i = 0; i < 20; ++i) REQUIRE(second->next(batch));  // is left by go_to
  second->check(position, true);
  second->go_to(position, true);
  CHECK(second->position() == position);
  Patience patience;
  check_same(rest_of(*second, std::ref(patience)), rest);
  CHECK(patience.of_blocks > 0);
  random::uniform({2});
  CHECK(detail::random_state().streams == later.streams);

  for (int run = 0; run < 30; ++run) {  // left early, by a new pass or for good
    const auto left = batches_of(data, Ahead::always);
    for (int pass = 0; pass < 2; ++pass) {
      left->start();
      for (int i = 0; i <= run; ++i) REQUIRE(left->next(batch));
    }
  }
}

TEST_CASE("rows are gathered ahead only where that can help") {
  if (testing::on_gpu()) return;  // where no thread gathers
  const auto any_of_block = [](const Batch& data, int batch_size, int patience) {
    const auto batches = batches_of(data, Ahead::always, batch_size);
    batches->start();
    Patience look{.waits = 100 - patience};
    rest_of(*batches, std::ref(look));
    return look.of_blocks > 0;
  };
  const ThreadCount two(2);
  CHECK_FALSE(any_of_block(samples(10'000), 100, 2));  // in the caches
  CHECK_FALSE(any_of_block(samples(), 1'000, 2));      // large batches
  CHECK(any_of_block(samples(), 100, 100));
  const ThreadCount one(1);
  CHECK_FALSE(any_of_block(samples(), 100, 2));
}

TEST_CASE("fit: the same losses and weights with and without rows gathered ahead") {
  const Batch data = samples(20'003);
  const FitOptions whole{.epochs = 2, .batch_size = 256, .verbose = 0};
  CHECK(trained(1, data, whole) == trained(2, data, whole));
  FitOptions weighed = whole;
  weighed.sample_weight = data.sample_weight;
  CHECK(trained(1, data, weighed) == trained(2, data, weighed));
  CHECK(trained(1, data, weighed).losses != trained(1, data, whole).losses);
  FitOptions in_pieces{.epochs = 3, .batch_size = 256, .verbose = 0, .steps_per_epoch = 30};
  CHECK(trained(1, data, in_pieces) == trained(2, data, in_pieces));
}

TEST_CASE("fit: rows gathered ahead while callbacks stop it, throw, or train another model") {
  const Batch data = samples(20'003);
  const auto options = [](std::function<void(Model&)> what) {
    return FitOptions{.epochs = 2, .batch_size = 256, .verbose = 0, .callbacks = {At(40, std::move(what))}};
  };
  const auto stops = options([](Model& model) { model.set_stop_training(true); });
  const Trained stopped = trained(2, data, stops);
  CHECK(stopped.losses.size() == 1);
  CHECK(stopped == trained(1, data, stops));
  const auto throws = options([](Model&) { throw std::runtime_error("in mid-epoch"); });
  for (int run = 0; run < 3; ++run) {
    CHECK_THROWS_WITH_AS(trained(2, data, throws), doctest::Contains("in mid-epoch"), std::runtime_error);
  }
  std::vector<Trained> within;
  const auto trains = options([&](Model&) {
    const ThreadCount two(2);
    Sequential model = small_model();
    const auto loss = model.fit(data.x[0], data.y, {.batch_size = 256, .verbose = 0})["loss"];
    within.push_back({loss, {model.get_weights()[0].to_vector<float>()}});
  });
  const Trained outer = trained(2, data, trains);
  REQUIRE(within.size() == 2);
  CHECK(outer == trained(1, data, trains));
  REQUIRE(within.size() == 4);
  CHECK(within[0] == within[2]);
  CHECK(within[1] == within[3]);
}

TEST_CASE("fit: batches that a loss keeps stay as they were") {
  const Batch data = samples(20'003);
  const auto kept_by = [&](int threads) {
    const ThreadCount count(threads);
    set_random_seed(9);
    const auto kept = std::make_shared<std::vector<Tensor>>();
    Sequential model = small_model();
    model.compile(Adam(), KeepingLoss(kept));
    model.fit(data.x[0], data.y, {.epochs = 2, .batch_size = 250, .verbose = 0});
    std::vector<float> values;
    for (const Tensor& rows : *kept) {
      const std::vector<float> more = rows.to_vector<float>();
      values.insert(values.end(), more.begin(), more.end());
    }
    return values;
  };
  const std::vector<float> one = kept_by(1);
  CHECK(one.size() == 2 * 20'003);
  CHECK(one == kept_by(2));
}

TEST_CASE("fits in threads of their own gather ahead: each sees every sample once") {
  const Batch data = samples(20'003);
  std::vector<float> expected = data.y[0].to_vector<float>();
  std::sort(expected.begin(), expected.end());
  std::vector<std::vector<float>> seen(3);
  const auto train = [&](std::vector<float>& values) {
    const auto kept = std::make_shared<std::vector<Tensor>>();
    Sequential model = small_model();
    model.compile(Adam(), KeepingLoss(kept));
    model.fit(data.x[0], data.y, {.batch_size = 200, .verbose = 0});
    for (const Tensor& rows : *kept) {
      const std::vector<float> more = rows.to_vector<float>();
      values.insert(values.end(), more.begin(), more.end());
    }
    std::sort(values.begin(), values.end());
  };
  std::vector<std::thread> threads;
  for (std::vector<float>& values : seen) threads.emplace_back([&] { train(values); });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& values : seen) CHECK(values == expected);
}
