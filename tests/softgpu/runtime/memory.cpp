#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "runtime/state.hpp"

// Device memory is one range of addresses per process, of which each device has a part. Host threads cannot touch it:
// a protection key of the processor gives each thread its own rights; where there are no keys, the pages are unlocked
// while any thread has access. They are large ones then, as each change of rights visits every page.

namespace softgpu {
namespace {

constexpr std::size_t device_range = std::size_t{1} << 36, devices_at_most = 4;
// Places are multiples of 512, so blocks are aligned to 256 bytes, as the runtime promises, and to no more.
constexpr std::size_t red_zone = 256;
constexpr std::uint16_t red_pattern = 0xFFFA;
constexpr std::size_t large_page = std::size_t{1} << 21;

class Arena {
 public:
  Arena() {
    const char* wanted = std::getenv("NYALA_SOFTGPU_PROTECTION");
    if (wanted == nullptr || std::strcmp(wanted, "pages") != 0) key_ = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    constexpr std::size_t bytes = device_range * devices_at_most;
    void* range = mmap(nullptr, bytes + large_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) std::abort();
    base_ = static_cast<std::byte*>(range);
    base_ += -reinterpret_cast<std::uintptr_t>(range) % large_page;
    madvise(base_, bytes, MADV_DONTDUMP);
    if (key_ <= 0) madvise(base_, bytes, MADV_HUGEPAGE);
    if (key_ > 0 && pkey_mprotect(base_, bytes, PROT_READ | PROT_WRITE, key_) != 0) std::abort();
    for (std::size_t i = 0; i < devices_at_most; ++i) next_[i] = base_ + i * device_range;
  }

  bool contains(const void* pointer) const {
    const auto* place = static_cast<const std::byte*>(pointer);
    return place >= base_ && place < base_ + device_range * devices_at_most;
  }

  void open() {
    if (key_ > 0) {
      pkey_set(key_, 0);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (users_++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  void close() {
    if (key_ > 0) {
      pkey_set(key_, PKEY_DISABLE_ACCESS);
      return;
    }
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) protect(PROT_NONE);
  }

  /// Places of a capacity are handed out again oldest first, and only when some wait, so that what is freed stays
  /// poisoned for a while.
  std::byte* take(std::size_t capacity, int device) {
    auto& waiting = free_[{device, capacity}];
    if (waiting.size() > (capacity > (1U << 20) ? 1U : 8U)) {
      std::byte* place = waiting.front();
      waiting.pop_front();
      return place;
    }
    std::byte*& next = next_[static_cast<std::size_t>(device)];
    std::byte* end = base_ + static_cast<std::size_t>(device + 1) * device_range;
    if (capacity > static_cast<std::size_t>(end - next)) return nullptr;
    std::byte* place = next;
    next += capacity;
    if (key_ <= 0) {
      const std::lock_guard lock(mutex_);
      if (users_ > 0) protect(PROT_READ | PROT_WRITE);
    }
    return place;
  }
  void give_back(std::byte* place, std::size_t capacity, int device) { free_[{device, capacity}].push_back(place); }

 private:
  void protect(int rights) {
    for (std::size_t i = 0; i < devices_at_most; ++i) {
      std::byte* start = base_ + i * device_range;
      const auto bytes = (static_cast<std::size_t>(next_[i] - start) + large_page - 1) / large_page * large_page;
      if (bytes > 0 && mprotect(start, bytes, rights) != 0) std::abort();
    }
  }

  int key_ = -1, users_ = 0;
  std::mutex mutex_;
  std::byte* base_ = nullptr;
  std::byte* next_[devices_at_most] = {};
  std::map<std::pair<int, std::size_t>, std::deque<std::byte*>> free_;
};

Arena& arena() {
  static Arena& only = *new Arena;
  return only;
}

thread_local int access_depth = 0;

void fill(std::byte* start, std::byte* end, std::uint16_t pattern) {
  if (reinterpret_cast<std::uintptr_t>(start) % 2 != 0 && start < end) *start++ = static_cast<std::byte>(pattern >> 8);
  std::fill(reinterpret_cast<std::uint16_t*>(start), reinterpret_cast<std::uint16_t*>(end), pattern);
}

bool holds(const std::byte* start, const std::byte* end, std::uint16_t pattern) {
  if (reinterpret_cast<std::uintptr_t>(start) % 2 != 0 && start < end &&
      *start++ != static_cast<std::byte>(pattern >> 8))
    return false;
  const auto* words = reinterpret_cast<const std::uint16_t*>(start);
  return std::all_of(words, reinterpret_cast<const std::uint16_t*>(end), [=](auto word) { return word == pattern; });
}

std::size_t capacity_for(std::size_t bytes) {
  const std::size_t needed = (bytes + 2 * red_zone + 511) / 512 * 512;
  // Four sizes per power of two, so that places are used again.
  std::size_t step = 512;
  while (step * 8 < needed) step *= 2;
  return (needed + step - 1) / step * step;
}

}  // namespace

Access::Access() {
  if (access_depth++ == 0) arena().open();
}
Access::~Access() {
  if (--access_depth == 0) arena().close();
}

bool is_device_memory(const void* pointer) { return arena().contains(pointer); }

Block* take_block(std::size_t bytes, int device) {
  State& all = state();
  const std::size_t capacity = capacity_for(bytes);
  std::byte* place = arena().take(capacity, device);
  if (place == nullptr) return nullptr;
  auto& block = all.blocks[reinterpret_cast<std::uintptr_t>(place) + red_zone];
  block = std::make_unique<Block>();
  block->data = place + red_zone;
  block->bytes = bytes;
  block->capacity = capacity;
  block->device = device;
  const auto i = static_cast<std::size_t>(device);
  all.used[i] += bytes;
  all.highest[i] = std::max(all.highest[i], all.used[i]);
  return block.get();
}

void poison(Block& block, std::uint16_t pattern) {
  const Access access;
  std::byte* first = block.data - red_zone;
  if (pattern == fresh_pattern) {
    fill(first, block.data, red_pattern);
    fill(block.data + block.bytes, first + block.capacity, red_pattern);
    std::memset(block.data, 0xFF, block.bytes);
  } else {
    auto* words = reinterpret_cast<std::uint16_t*>(block.data);
    std::fill(words, words + (block.bytes + 1) / 2, pattern);
  }
}

void check_red_zones(const Block& block, const char* when) {
  if (block.device < 0) return;
  const Access access;
  const std::byte* first = block.data - red_zone;
  const char* side = !holds(first, block.data, red_pattern)                                  ? "before"
                     : !holds(block.data + block.bytes, first + block.capacity, red_pattern) ? "after"
                                                                                             : nullptr;
  if (side != nullptr) {
    violation(std::string("device memory ") + side + " a block of " + std::to_string(block.bytes) +
              " bytes was written to, noticed " + when);
  }
}

void give_back(Block& block) {
  State& all = state();
  all.used[static_cast<std::size_t>(block.device)] -= block.bytes;
  arena().give_back(block.data - red_zone, block.capacity, block.device);
}

Block* find_block(const void* pointer) {
  State& all = state();
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  auto after = all.blocks.upper_bound(address);
  if (after == all.blocks.begin()) return nullptr;
  Block& block = *std::prev(after)->second;
  // One past the end is a valid pointer.
  return address <= std::prev(after)->first + block.bytes ? &block : nullptr;
}

}  // namespace softgpu
