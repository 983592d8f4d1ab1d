#include <string>

#include <doctest/doctest.h>
#include <nyala/nyala.hpp>

#include "control.h"

// Faults on demand within a program: a clear error or the documented fallback, nothing leaks, and training goes on.

namespace {

using namespace nyala;

struct Training {
  Training() {
    set_default_device("gpu");
    set_random_seed(5);
    x = random::uniform({32, 8, 8, 4});
    y = random::randint({32}, 0, 3);
    model.compile("adam", "sparse_categorical_crossentropy");
    model.fit(x, y, {.epochs = 1, .batch_size = 8, .verbose = 0});
  }
  ~Training() { set_default_device("cpu"); }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// The error that an epoch ends in; empty without one.
  std::string epoch() {
    try {
      loss = model.fit(x, y, {.epochs = 1, .batch_size = 8, .verbose = 0})["loss"].back();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  Sequential model{Conv2D(8, 3, {.activation = "relu"}), Flatten(), Dense(8, {.activation = "relu"}),
                   Dense(3, {.activation = "softmax"})};
  Tensor x, y;
  double loss = 0.0;
};

}  // namespace

TEST_CASE("memory that runs out is an error with figures, leaks nothing, and the model stays usable") {
  Training training;
  CHECK(training.epoch().empty());
  softgpu_check();
  const long before = softgpu_live_bytes();
  for (const long n : {1L, 7L, 20L, 45L, 90L}) {
    CAPTURE(n);
    // The module tries once more after a failure, when it has given back what it can.
    softgpu_fail("allocation", n);
    CHECK(training.epoch().empty());
  }
  softgpu_check();
  CHECK(softgpu_live_bytes() == before);
  softgpu_set("memory", before + 1000);
  const std::string message = training.epoch();
  softgpu_set("memory", 8L << 30);
  INFO("the error: ", message);
  CHECK(message.find("out of memory on device \"gpu\"") != std::string::npos);
  softgpu_check();
  CHECK(softgpu_live_bytes() <= before);
  CHECK(training.epoch().empty());
  CHECK(training.loss < 2.0);
}

TEST_CASE("a launch that fails is an error, and training goes on") {
  Training training;
  softgpu_check();
  const long before = softgpu_live_bytes();
  for (const long n : {1L, 12L, 33L, 60L}) {
    CAPTURE(n);
    softgpu_fail("launch", n);
    const std::string message = training.epoch();
    softgpu_fail("launch", 0);
    INFO("the error: ", message);
    CHECK(message.find("cudaErrorLaunchOutOfResources") != std::string::npos);
    CHECK(training.epoch().empty());
  }
  softgpu_check();
  CHECK(softgpu_live_bytes() == before);
}

TEST_CASE("algorithms and engines that refuse give way to the next, unseen") {
  Training training;
  CHECK(training.epoch().empty());
  for (const char* kind : {"matmul", "heuristic", "plan", "execute", "engines"}) {
    CAPTURE(kind);
    softgpu_fail(kind, 1);
    CHECK(training.epoch().empty());
    softgpu_fail(kind, 0);
  }
  CHECK(training.epoch().empty());
  CHECK(training.loss < 2.0);
}

TEST_CASE("a step waits for nothing") {
  Training training;
  CHECK(training.epoch().empty());
  softgpu_reset_counts();
  CHECK(training.epoch().empty());
  const long four_steps = softgpu_count("synchronisations");
  softgpu_reset_counts();
  training.model.fit(training.x, training.y, {.epochs = 1, .batch_size = 2, .verbose = 0});
  // Twelve steps more, no more waits: those are the logs' at the epoch's end.
  CHECK(softgpu_count("synchronisations") == four_steps);
}

TEST_CASE("uploads pass by work that is queued, until their buffers are full") {
  set_default_device("gpu");
  const auto numbers = [](std::int64_t count, float first) {
    Tensor made = Tensor::empty({count}, DType::float32, Device());
    for (std::int64_t i = 0; i < count; ++i) made.data<float>()[i] = first + static_cast<float>(i % 1000);
    return made;
  };
  // Large ones have a stream and memory of their own, small ones do not; the last is of several parts.
  const std::vector<std::int64_t> sizes{100'000, 17, 30'000, 300'000, 16'384, 16'385, 5'000'000};
  synchronize(Device("gpu"));
  softgpu_reset_counts();
  std::vector<Tensor> sums;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Tensor host = numbers(sizes[i], static_cast<float>(i));
    const Tensor there = host.to("gpu");
    if (i < 4) CHECK(softgpu_count("synchronisations") == 0);
    sums.push_back(max(there) + min(there) + there(Slice{sizes[i] - 1, sizes[i]})(0));
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto first = static_cast<double>(i), highest = static_cast<double>(std::min<std::int64_t>(sizes[i] - 1, 999));
    CHECK(sums[i].item<double>() == 3 * first + highest + static_cast<double>((sizes[i] - 1) % 1000));
  }
  // Without memory on the device for the slots, in order with the rest.
  empty_memory_cache("gpu");
  softgpu_check();
  const long before = softgpu_live_bytes();
  softgpu_fail("allocation", 2);
  const Tensor there = numbers(100'000, 1.0F).to("gpu");
  softgpu_fail("allocation", 0);
  softgpu_check();
  CHECK(softgpu_live_bytes() == before + 400'000);
  CHECK(max(there).item<double>() == 1000.0);
  set_default_device("cpu");
}
