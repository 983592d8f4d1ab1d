#include "core/allocator.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <nyala/error.hpp>

#include "core/byte_text.hpp"
#include "core/pool_allocator.hpp"
#include "core/size_classes.hpp"

using namespace nyala;
using detail::SizeClasses;

TEST_CASE("size classes: every size fits its class, tightly, and the next class begins one byte later") {
  std::size_t previous = 0;
  for (std::size_t index = 0; index < SizeClasses::classes; ++index) {
    const std::size_t bytes = SizeClasses::bytes(index);
    CAPTURE(index);
    REQUIRE(bytes > previous);
    REQUIRE(bytes % SizeClasses::unit == 0);
    REQUIRE(SizeClasses::index(bytes) == index);
    REQUIRE(SizeClasses::index(previous + 1) == index);
    if (index >= 4) REQUIRE(bytes - previous <= previous / (index < SizeClasses::small_classes ? 4 : 8));
    previous = bytes;
  }
  CHECK(SizeClasses::bytes(SizeClasses::small_classes - 1) == SizeClasses::largest_small);
  CHECK(previous == SizeClasses::largest);
  CHECK(SizeClasses::index(0) == 0);
}

TEST_CASE("allocator: aligned, distinct, writable blocks; figures add up") {
  empty_memory_cache();
  const MemoryStats before = memory_stats();
  std::vector<std::pair<void*, std::size_t>> blocks;
  std::size_t rounded = 0;
  for (const std::size_t bytes :
       {0UL, 1UL, 64UL, 65UL, 1000UL, 4096UL, 100'000UL, 1UL << 20, (1UL << 20) + 1, 5UL << 20}) {
    for (int copy = 0; copy < 3; ++copy) {
      void* block = detail::allocate(bytes);
      CHECK(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
      std::memset(block, copy + 1, bytes);
      blocks.emplace_back(block, bytes);
      rounded += SizeClasses::bytes(SizeClasses::index(bytes));
    }
  }
  CHECK(memory_stats().live - before.live == rounded);
  CHECK(memory_stats().peak >= before.live + rounded);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto* bytes = static_cast<unsigned char*>(blocks[i].first);
    for (std::size_t at = 0; at < blocks[i].second; at += 997) REQUIRE(bytes[at] == i % 3 + 1);
  }
  for (const auto& [block, bytes] : blocks) detail::deallocate(block, bytes);
  CHECK(memory_stats().live == before.live);
  CHECK(memory_stats().cached - before.cached == rounded);
  empty_memory_cache();
  CHECK(memory_stats().cached == 0);
  reset_peak_memory();
  CHECK(memory_stats().peak == memory_stats().live);
  detail::deallocate(nullptr, 17);
}

TEST_CASE("allocator: a repeated pattern asks the system only the first time") {
  const auto step = [] {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t i = 0; i < 200; ++i) {
      const std::size_t bytes = (i * 7919) % 50'000 * (i % 5 == 0 ? 60 : 1) + 1;
      blocks.emplace_back(detail::allocate(bytes), bytes);
      if (i % 3 == 0) {
        detail::deallocate(blocks.front().first, blocks.front().second);
        blocks.erase(blocks.begin());
      }
    }
    for (const auto& [block, bytes] : blocks) detail::deallocate(block, bytes);
  };
  step();
  const auto first = memory_stats().system_allocations;
  for (int i = 0; i < 5; ++i) step();
  CHECK(memory_stats().system_allocations == first);
}

TEST_CASE("allocator: blocks freed in another thread come back, also when that thread ends") {
  constexpr std::size_t bytes = 3000;
  const MemoryStats before = memory_stats();
  const auto round = [] {
    std::vector<void*> blocks(100);
    for (void*& block : blocks) block = detail::allocate(bytes);
    std::thread([&] {
      for (void* block : blocks) detail::deallocate(block, bytes);
      detail::deallocate(detail::allocate(bytes), bytes);
    }).join();
  };
  round();
  const auto first = memory_stats().system_allocations;
  for (int i = 0; i < 10; ++i) round();
  CHECK(memory_stats().system_allocations - first <= 1);
  CHECK(memory_stats().live == before.live);
}

TEST_CASE("allocator: many threads at once, with the cache being emptied under them") {
  const MemoryStats before = memory_stats();
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::vector<std::pair<unsigned char*, std::size_t>> mine;
      std::size_t state = t + 1;
      for (int i = 0; i < 2000; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const std::size_t bytes = (state >> 33) % 20'000 + 1;
        auto* block = static_cast<unsigned char*>(detail::allocate(bytes));
        block[0] = block[bytes - 1] = static_cast<unsigned char>(t);
        mine.emplace_back(block, bytes);
        if (mine.size() > 20) {
          const auto [old, old_bytes] = mine[state % 20];
          if (old[0] != t || old[old_bytes - 1] != t) std::terminate();
          detail::deallocate(old, old_bytes);
          mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(state % 20));
        }
        if (i % 500 == 499) empty_memory_cache();
      }
      for (const auto& [block, bytes] : mine) detail::deallocate(block, bytes);
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(memory_stats().live == before.live);
}

TEST_CASE("allocator: sizes that keep changing do not pile up a block of every size") {
  empty_memory_cache();
  for (std::size_t i = 0; i < 200; ++i) {
    const std::size_t bytes = (i % 60 + 1) << 21;
    detail::deallocate(detail::allocate(bytes), bytes);
    REQUIRE(memory_stats().live + memory_stats().cached <= std::size_t{520} << 20);
  }
  empty_memory_cache();
}

TEST_CASE("allocator: out of memory is an Error that says how much was asked for and what is live") {
  void* held = detail::allocate(1000);
  for (const std::size_t bytes : {std::size_t{1} << 46, std::size_t{1} << 50, static_cast<std::size_t>(-1)}) {
    try {
      detail::deallocate(detail::allocate(bytes), bytes);
      FAIL("allocated " << bytes);
    } catch (const Error& error) {
      const std::string message = error.what();
      CHECK(message.find(std::to_string(bytes) + " bytes") != std::string::npos);
      CHECK(message.find("live") != std::string::npos);
    }
  }
  detail::deallocate(held, 1000);
}

TEST_CASE("object pool: allocate_shared reuses its blocks") {
  struct Node {
    std::array<double, 20> values{};
    std::shared_ptr<Node> next;
  };
  const auto chain = [] {
    std::shared_ptr<Node> head;
    for (int i = 0; i < 50; ++i) {
      auto node = std::allocate_shared<Node>(detail::PoolAllocator<Node>());
      node->next = std::move(head);
      head = std::move(node);
    }
  };
  const MemoryStats before = detail::object_stats();
  chain();
  const auto first = detail::object_stats().system_allocations;
  for (int i = 0; i < 10; ++i) chain();
  CHECK(detail::object_stats().system_allocations == first);
  CHECK(detail::object_stats().live == before.live);
  std::vector<int, detail::PoolAllocator<int>> several(1000, 7);
  CHECK(several[999] == 7);
}

extern "C" [[gnu::weak]] int __asan_address_is_poisoned(const volatile void* address);

TEST_CASE("allocator: AddressSanitizer sees accesses to freed blocks and beyond what was asked for") {
  if (&__asan_address_is_poisoned == nullptr) return;
  auto* block = static_cast<char*>(detail::allocate(100));
  CHECK(__asan_address_is_poisoned(block) == 0);
  CHECK(__asan_address_is_poisoned(block + 99) == 0);
  CHECK(__asan_address_is_poisoned(block + 100) == 1);
  detail::deallocate(block, 100);
  CHECK(__asan_address_is_poisoned(block) == 1);
}

namespace {

struct FreedLate {
  void* block = nullptr;
  ~FreedLate() {
    detail::deallocate(block, 500);
    detail::deallocate(detail::allocate(600), 600);
  }
};
FreedLate freed_after_main;

}  // namespace

TEST_CASE("allocator: works in destructors of static and of thread-local objects") {
  freed_after_main.block = detail::allocate(500);
  const MemoryStats before = memory_stats();
  std::thread([] {
    static thread_local FreedLate freed_at_thread_end;
    freed_at_thread_end.block = detail::allocate(500);
  }).join();
  CHECK(memory_stats().live == before.live);
}

TEST_CASE("byte_text") {
  CHECK(detail::byte_text(0) == "0 bytes");
  CHECK(detail::byte_text(1023) == "1023 bytes");
  CHECK(detail::byte_text(1536) == "1.50 KiB (1536 bytes)");
  CHECK(detail::byte_text(std::size_t{3} << 40) == "3.00 TiB (3298534883328 bytes)");
}
