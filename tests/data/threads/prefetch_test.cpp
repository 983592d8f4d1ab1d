#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include <nyala/dataset.hpp>
#include <nyala/ops.hpp>

using namespace nyala;

namespace {

/// Counts to n, then ends or throws.
Dataset counting(int n, bool fails, std::shared_ptr<std::atomic<int>> made) {
  return Dataset::from_generator([=] {
    const auto next = std::make_shared<int>(0);
    return [=]() -> std::optional<Batch> {
      if (*next == n && fails) throw std::runtime_error("the generator broke");
      if (*next == n) return std::nullopt;
      ++*made;
      return Batch{Tensor((*next)++), {}, {}};
    };
  });
}

}  // namespace

TEST_CASE("prefetch gives the same elements in the same order") {
  const auto made = std::make_shared<std::atomic<int>>(0);
  for (const int buffer : {1, 2, 16}) {
    const auto iterator = counting(20, false, made).prefetch(buffer).iterator();
    Batch element;
    for (int i = 0; i < 20; ++i) {
      REQUIRE(iterator->next(element));
      CHECK(element.x.only().item<int>() == i);
    }
    CHECK_FALSE(iterator->next(element));
    CHECK_FALSE(iterator->next(element));
  }
}

TEST_CASE("an exception in the background is thrown by next, after what came before it") {
  const auto made = std::make_shared<std::atomic<int>>(0);
  const auto iterator = counting(3, true, made).prefetch(2).iterator();
  Batch element;
  for (int i = 0; i < 3; ++i) REQUIRE(iterator->next(element));
  CHECK_THROWS_WITH_AS(iterator->next(element), doctest::Contains("the generator broke"), std::runtime_error);
}

TEST_CASE("an early end stops the background thread") {
  const auto made = std::make_shared<std::atomic<int>>(0);
  for (int run = 0; run < 20; ++run) {
    const auto iterator = counting(1000000, false, made).prefetch(3).iterator();
    Batch element;
    if (run % 2 == 0) iterator->next(element);
  }
  const int after = *made;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(*made == after);
  CHECK(after < 20 * 10);
}
