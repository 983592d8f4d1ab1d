#include "core/parallel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <nyala/error.hpp>

#include "core/processors.hpp"
#include "core/spin_wait.hpp"

using namespace nyala;
using detail::Chunks;

namespace {

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before;
};

double sum_by_chunks(const std::vector<float>& values) {
  std::array<double, Chunks::most> parts{};
  const auto size = static_cast<std::int64_t>(values.size());
  detail::parallel_chunks(0, size, 100, [&](std::int64_t chunk, std::int64_t begin, std::int64_t end) {
    float part = 0;
    for (std::int64_t i = begin; i < end; ++i) part += values[static_cast<std::size_t>(i)];
    parts[static_cast<std::size_t>(chunk)] = static_cast<double>(part);
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

}  // namespace

TEST_CASE("chunks: cover the range, at most 64, at least the grain") {
  for (const std::int64_t length : {0, 1, 2, 63, 64, 65, 100, 255, 256, 1000, 4097, 1'000'003}) {
    for (const std::int64_t grain : {-3, 0, 1, 7, 64, 1000, 5'000'000}) {
      CAPTURE(length);
      CAPTURE(grain);
      const Chunks chunks = Chunks::of(length, grain);
      REQUIRE(chunks.count <= Chunks::most);
      REQUIRE(chunks.count * chunks.size >= length);
      if (length > 0) REQUIRE((chunks.count - 1) * chunks.size < length);
      if (chunks.count > 1) REQUIRE(chunks.size >= grain);
    }
  }
  CHECK(Chunks::of(INT64_MAX, 1).count <= Chunks::most);
}

TEST_CASE("parallel_for: each element once, whatever the number of threads") {
  for (const int threads : {1, 2, 3, 8, 70}) {
    const Threads scope(threads);
    for (const std::int64_t length : {0, 1, 10, 64, 1000, 100'000}) {
      std::vector<int> visits(static_cast<std::size_t>(length) + 5, 0);
      detail::parallel_for(5, length + 5, 3, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (std::size_t i = 0; i < visits.size(); ++i) REQUIRE(visits[i] == (i < 5 ? 0 : 1));
    }
  }
  detail::parallel_for(7, 3, 1, [](std::int64_t, std::int64_t) { FAIL("called for an empty range"); });
}

TEST_CASE("parallel_chunks: sums are the same bits for every number of threads") {
  std::vector<float> values(123'457);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
  double alone = 0;
  {
    const Threads scope(1);
    alone = sum_by_chunks(values);
  }
  for (const int threads : {2, 3, 5}) {
    const Threads scope(threads);
    for (int i = 0; i < 20; ++i) REQUIRE(sum_by_chunks(values) == alone);
  }
}

TEST_CASE("parallel_for: workers really take part") {
  const Threads scope(2);
  std::atomic<int> inside{0};
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  detail::parallel_for(0, 2, 1, [&](std::int64_t, std::int64_t) {
    ++inside;
    while (inside.load() < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  });
  CHECK(inside.load() == 2);
  CHECK(std::chrono::steady_clock::now() < limit);
}

TEST_CASE("parallel_for: an exception reaches the caller, later calls work") {
  const Threads scope(3);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> calls{0};
    const auto failing = [&](std::int64_t begin, std::int64_t) {
      ++calls;
      if (begin >= round % 60) throw std::runtime_error("chunk " + std::to_string(begin));
    };
    CHECK_THROWS_AS(detail::parallel_for(0, 60, 1, failing), std::runtime_error);
    CHECK(calls.load() <= 60);
    std::atomic<std::int64_t> sum{0};
    detail::parallel_for(0, 100, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) sum += i;
    });
    REQUIRE(sum.load() == 4950);
  }
}

TEST_CASE("parallel_for: calls inside calls") {
  const Threads scope(3);
  std::vector<std::atomic<int>> visits(40 * 50);
  detail::parallel_for(0, 40, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::thread::id outer = std::this_thread::get_id();
      detail::parallel_for(0, 50, 1, [&](std::int64_t inner_begin, std::int64_t inner_end) {
        if (std::this_thread::get_id() != outer) throw std::logic_error("a nested call left its thread");
        for (std::int64_t j = inner_begin; j < inner_end; ++j) ++visits[static_cast<std::size_t>(i * 50 + j)];
      });
    }
  });
  for (const auto& visit : visits) REQUIRE(visit.load() == 1);
}

TEST_CASE("parallel_for: many callers at once, while the number of threads changes") {
  const Threads scope(2);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 300; ++round) {
        std::vector<std::int64_t> squares(500);
        detail::parallel_for(0, 500, 10, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) squares[static_cast<std::size_t>(i)] = i * i + caller;
        });
        for (std::int64_t i = 0; i < 500; ++i) wrong += squares[static_cast<std::size_t>(i)] != i * i + caller;
      }
    });
  }
  for (int count = 1; count <= 12; ++count) set_num_threads(count % 4 + 1);
  for (auto& caller : callers) caller.join();
  CHECK(wrong.load() == 0);
}

TEST_CASE("parallel_for: many short jobs, with and without pauses for the workers to fall asleep") {
  for (const int threads : {2, 4}) {
    const Threads scope(threads);
    std::int64_t total = 0;
    for (int round = 0; round < 3000; ++round) {
      std::array<std::int64_t, 8> parts{};
      detail::parallel_for(0, 8, 1,
                           [&](std::int64_t begin, std::int64_t) { parts[static_cast<std::size_t>(begin)] = 1; });
      total += std::accumulate(parts.begin(), parts.end(), std::int64_t{0});
      if (round % 100 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
    CHECK(total == 8 * 3000);
  }
}

TEST_CASE("spin wait: waits in vain shorten it, a wait that was only too short lengthens it again") {
  const auto looks = [](detail::SpinWait& spin) {
    std::atomic<std::int64_t> busy_until{0};
    int count = 0;
    CHECK_FALSE(spin(busy_until, [&] { return ++count < 0; }));
    return count;
  };
  int fewest = INT_MAX, most = 0;  // of several, as the scheduler may interrupt any of them
  for (int round = 0; round < 20; ++round) {
    detail::SpinWait spin;
    for (int i = 0; i < 10; ++i) looks(spin);
    fewest = std::min(fewest, looks(spin));
    const std::int64_t fell_asleep = detail::SpinWait::nanoseconds();
    spin.slept_until(fell_asleep + 1'000'000'000);
    fewest = std::min(fewest, looks(spin));
    spin.slept_until(detail::SpinWait::nanoseconds());
    most = std::max(most, looks(spin));
  }
  CHECK(most > 10 * fewest);
}

TEST_CASE("threads: limits are errors that name the value") {
  CHECK_THROWS_WITH_AS(set_num_threads(0), "set_num_threads: the number of threads must be from 1 to 1024, got '0'",
                       Error);
  CHECK_THROWS_AS(set_num_threads(-2), Error);
  CHECK_THROWS_AS(set_num_threads(1025), Error);
  const Threads scope(2);
  CHECK_THROWS_AS(detail::parallel_for(0, 10, 1, [](std::int64_t, std::int64_t) { set_num_threads(3); }), Error);
  CHECK(num_threads() == 2);
  CHECK(detail::parse_thread_count("12", "here") == 12);
  for (const char* text : {"", "two", "3x", " 3", "1e3", "99999999999"})
    CHECK_THROWS_AS(detail::parse_thread_count(text, "here"), Error);
}

TEST_CASE("processors: quotas") {
  CHECK(detail::processors_of_quota("max 100000") == 0);
  CHECK(detail::processors_of_quota("") == 0);
  CHECK(detail::processors_of_quota("200000 100000") == 2);
  CHECK(detail::processors_of_quota("150000 100000") == 2);
  CHECK(detail::processors_of_quota("1000 100000") == 1);
  CHECK(detail::processors_of_quota("-1 100000") == 0);
  CHECK(detail::available_processors() >= 1);
}
