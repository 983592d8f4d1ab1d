#include "core/allocator.hpp"
#include "core/device_memory.hpp"

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <nyala/error.hpp>

#include "core/byte_text.hpp"
#include "core/sanitizer.hpp"
#include "core/size_classes.hpp"
#include "core/spin_lock.hpp"

namespace nyala::detail {
namespace {

constexpr std::size_t magazine_size = 32;
constexpr std::size_t huge_page = std::size_t{1} << 21;
constexpr std::size_t cache_always_allowed = std::size_t{256} << 20;

std::size_t machine_memory() noexcept {
  struct sysinfo info {};
  if (sysinfo(&info) != 0) return static_cast<std::size_t>(-1);
  return (static_cast<std::size_t>(info.totalram) + info.totalswap) * info.mem_unit;
}

constexpr std::size_t magazine_capacity(std::size_t block_bytes) {
  return std::clamp<std::size_t>((std::size_t{1} << 20) / block_bytes, 2, magazine_size);
}

/// Free blocks of one class that one thread keeps for itself.
struct Magazine {
  std::size_t count = 0;
  std::array<void*, magazine_size> blocks;
};

/// The lock is contended only while another thread empties the caches; that of objects belongs to its thread alone.
struct FrontCache {
  SpinLock lock;
  std::array<Magazine, SizeClasses::small_classes> magazines;
};

struct Bin {
  std::mutex mutex;
  std::vector<void*> blocks;
};

enum PoolKind : std::size_t { storage, objects };

/// Storage is counted exactly and its caches can be emptied by any thread. Objects are many and small: no atomic
/// operation stands between a thread and its own cache of them, which only that thread empties.
template <PoolKind kind>
class BlockPool {
 public:
  constexpr BlockPool() = default;

  void* allocate(std::size_t bytes, FrontCache* front) {
    if (bytes > SizeClasses::largest) throw_out_of_memory(bytes);
    const std::size_t index = SizeClasses::index(bytes);
    const std::size_t block_bytes = SizeClasses::bytes(index);
    void* block =
        index < SizeClasses::small_classes && front != nullptr ? take_small(index, *front) : take_shared(index);
    if (block == nullptr) block = take_from_system(bytes, block_bytes);
    if constexpr (kind == storage) count_live(block_bytes);
    unpoison(block, bytes);
    return block;
  }

  void deallocate(void* block, std::size_t bytes, FrontCache* front) noexcept {
    const std::size_t index = SizeClasses::index(bytes);
    const std::size_t block_bytes = SizeClasses::bytes(index);
    poison(block, block_bytes);
    if constexpr (kind == storage) live_.fetch_sub(block_bytes, std::memory_order_relaxed);
    if (index < SizeClasses::small_classes && front != nullptr)
      give_small(index, block, *front);
    else
      give_shared(index, &block, 1);
  }

  MemoryStats stats() const {
    MemoryStats stats;
    const std::size_t held = held_.load(std::memory_order_relaxed);
    stats.live = live_.load(std::memory_order_relaxed);
    stats.peak = peak_.load(std::memory_order_relaxed);
    stats.cached = held > stats.live ? held - stats.live : 0;
    stats.system_allocations = system_allocations_.load(std::memory_order_relaxed);
    return stats;
  }

  void reset_peak() { peak_.store(live_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

  void flush(FrontCache& front) noexcept {
    const std::scoped_lock guard(front.lock);
    for (std::size_t index = 0; index < SizeClasses::small_classes; ++index) {
      Magazine& magazine = front.magazines[index];
      if (magazine.count > 0) give_shared(index, magazine.blocks.data(), magazine.count);
      magazine.count = 0;
    }
  }

  /// Gives blocks of the shared bins back, the largest classes first, until at least `wanted` bytes are released.
  void release(std::size_t wanted) noexcept {
    std::size_t released = 0;
    for (std::size_t index = SizeClasses::classes; index-- > 0 && released < wanted;) {
      std::vector<void*> blocks;
      {
        const std::scoped_lock guard(bins_[index].mutex);
        blocks.swap(bins_[index].blocks);
      }
      free_blocks(index, blocks.data(), blocks.size());
      released += blocks.size() * SizeClasses::bytes(index);
    }
  }

  void register_front(FrontCache* front) {
    if (kind == objects) return;
    const std::scoped_lock guard(fronts_mutex_);
    fronts_.push_back(front);
  }

  void retire_front(FrontCache* front) noexcept {
    if (kind == storage) {
      const std::scoped_lock guard(fronts_mutex_);
      std::erase(fronts_, front);
    }
    flush(*front);
    delete front;
  }

  void empty() noexcept {
    {
      const std::scoped_lock guard(fronts_mutex_);
      for (FrontCache* front : fronts_) flush(*front);
    }
    release(static_cast<std::size_t>(-1));
  }

 private:
  struct FrontLock {
    explicit FrontLock(FrontCache& front) : front_(front) {
      if constexpr (kind == storage) front_.lock.lock();
    }
    ~FrontLock() {
      if constexpr (kind == storage) front_.lock.unlock();
    }
    FrontLock(const FrontLock&) = delete;
    FrontLock& operator=(const FrontLock&) = delete;
    FrontCache& front_;
  };

  void* take_small(std::size_t index, FrontCache& front) noexcept {
    const FrontLock guard(front);
    Magazine& magazine = front.magazines[index];
    if (magazine.count == 0) {
      Bin& bin = bins_[index];
      const std::scoped_lock bin_guard(bin.mutex);
      const std::size_t moved = std::min(bin.blocks.size(), (magazine_capacity(SizeClasses::bytes(index)) + 1) / 2);
      if (moved == 0) return nullptr;
      std::copy(bin.blocks.end() - static_cast<std::ptrdiff_t>(moved), bin.blocks.end(), magazine.blocks.begin());
      bin.blocks.resize(bin.blocks.size() - moved);
      magazine.count = moved;
    }
    return magazine.blocks[--magazine.count];
  }

  void give_small(std::size_t index, void* block, FrontCache& front) noexcept {
    const FrontLock guard(front);
    Magazine& magazine = front.magazines[index];
    if (magazine.count == magazine_capacity(SizeClasses::bytes(index))) {
      const std::size_t moved = (magazine.count + 1) / 2;
      give_shared(index, magazine.blocks.data(), moved);
      std::copy(magazine.blocks.begin() + static_cast<std::ptrdiff_t>(moved),
                magazine.blocks.begin() + static_cast<std::ptrdiff_t>(magazine.count), magazine.blocks.begin());
      magazine.count -= moved;
    }
    magazine.blocks[magazine.count++] = block;
  }

  void* take_shared(std::size_t index) noexcept {
    Bin& bin = bins_[index];
    const std::scoped_lock guard(bin.mutex);
    if (bin.blocks.empty()) return nullptr;
    void* block = bin.blocks.back();
    bin.blocks.pop_back();
    return block;
  }

  void give_shared(std::size_t index, void* const* blocks, std::size_t count) noexcept {
    Bin& bin = bins_[index];
    try {
      const std::scoped_lock guard(bin.mutex);
      bin.blocks.insert(bin.blocks.end(), blocks, blocks + count);
    } catch (const std::bad_alloc&) {
      free_blocks(index, blocks, count);
    }
  }

  void free_blocks(std::size_t index, void* const* blocks, std::size_t count) noexcept {
    const std::size_t block_bytes = SizeClasses::bytes(index);
    for (std::size_t i = 0; i < count; ++i) {
      unpoison(blocks[i], block_bytes);
      std::free(blocks[i]);
    }
    held_.fetch_sub(count * block_bytes, std::memory_order_relaxed);
  }

  void* take_from_system(std::size_t bytes, std::size_t block_bytes) {
    make_room(block_bytes);
    void* block = system_block(block_bytes);
    if (block == nullptr) {
      empty();
      block = system_block(block_bytes);
    }
    if (block == nullptr) throw_out_of_memory(bytes);
    held_.fetch_add(block_bytes, std::memory_order_relaxed);
    system_allocations_.fetch_add(1, std::memory_order_relaxed);
    poison(block, block_bytes);
    return block;
  }

  // Data of ever new sizes would otherwise leave a block of every size behind.
  void make_room(std::size_t block_bytes) noexcept {
    const std::size_t allowed = std::max(cache_always_allowed, 2 * high_water_.load(std::memory_order_relaxed));
    const std::size_t held = held_.load(std::memory_order_relaxed);
    if (block_bytes > SizeClasses::largest_small && held + block_bytes > allowed) release(held + block_bytes - allowed);
  }

  // More than the machine has would be granted at first and end in a killed process.
  void* system_block(std::size_t block_bytes) const noexcept {
    if (held_.load(std::memory_order_relaxed) + block_bytes > machine_memory()) return nullptr;
    const bool huge = block_bytes >= 2 * huge_page;
    void* block = nullptr;
    if (posix_memalign(&block, huge ? huge_page : SizeClasses::unit, block_bytes) != 0) return nullptr;
    if (huge) madvise(block, block_bytes, MADV_HUGEPAGE);
    return block;
  }

  void count_live(std::size_t block_bytes) noexcept {
    const std::size_t live = live_.fetch_add(block_bytes, std::memory_order_relaxed) + block_bytes;
    if (live <= peak_.load(std::memory_order_relaxed)) return;
    raise(peak_, live);
    raise(high_water_, live);
  }

  static void raise(std::atomic<std::size_t>& highest, std::size_t value) noexcept {
    std::size_t known = highest.load(std::memory_order_relaxed);
    while (value > known && !highest.compare_exchange_weak(known, value, std::memory_order_relaxed)) {}
  }

  [[noreturn]] void throw_out_of_memory(std::size_t bytes) const {
    const MemoryStats now = stats();
    throw Error("out of memory: the system refused " + byte_text(bytes) + " for a tensor; live " + byte_text(now.live) +
                ", peak " + byte_text(now.peak) + ", cached " + byte_text(now.cached));
  }

  alignas(64) std::atomic<std::size_t> live_{0};
  std::atomic<std::size_t> peak_{0}, high_water_{0};
  alignas(64) std::atomic<std::size_t> held_{0};
  std::atomic<std::uint64_t> system_allocations_{0};
  std::array<Bin, SizeClasses::classes> bins_;
  std::mutex fronts_mutex_;
  std::vector<FrontCache*> fronts_;
};

// Never destroyed: tensors in static objects give their blocks back after main.
template <class T>
union Immortal {
  constexpr Immortal() : value() {}
  ~Immortal() {}
  T value;
};
constinit Immortal<BlockPool<storage>> storage_pool;
constinit Immortal<BlockPool<objects>> object_pool;

template <PoolKind kind>
auto& pool() {
  if constexpr (kind == storage)
    return storage_pool.value;
  else
    return object_pool.value;
}

struct ThreadFronts {
  std::array<FrontCache*, 2> fronts;
  bool ended;
};

// Trivially destructible, so it can still be read while the thread's other objects are destroyed.
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadFronts thread_fronts{};

template <PoolKind kind>
void retire() {
  if (FrontCache* front = std::exchange(thread_fronts.fronts[kind], nullptr)) pool<kind>().retire_front(front);
}

struct ThreadEnd {
  ~ThreadEnd() {
    thread_fronts.ended = true;
    retire<storage>();
    retire<objects>();
  }
  void arm() const {}
};

template <PoolKind kind>
[[gnu::noinline]] FrontCache* make_front() {
  if (thread_fronts.ended) return nullptr;
  static thread_local const ThreadEnd end;
  end.arm();
  auto* front = new FrontCache;
  pool<kind>().register_front(front);
  thread_fronts.fronts[kind] = front;
  return front;
}

template <PoolKind kind>
FrontCache* front_cache() {
  FrontCache* front = thread_fronts.fronts[kind];
  return front != nullptr ? front : make_front<kind>();
}

}  // namespace

void* allocate(std::size_t bytes) { return pool<storage>().allocate(bytes, front_cache<storage>()); }

// A thread that only frees needs no cache of its own, and making one could fail.
void deallocate(void* block, std::size_t bytes) noexcept {
  if (block != nullptr) pool<storage>().deallocate(block, bytes, thread_fronts.fronts[storage]);
}

void* allocate_object(std::size_t bytes) { return pool<objects>().allocate(bytes, front_cache<objects>()); }

void deallocate_object(void* block, std::size_t bytes) noexcept {
  if (block != nullptr) pool<objects>().deallocate(block, bytes, thread_fronts.fronts[objects]);
}

MemoryStats object_stats() { return pool<objects>().stats(); }

}  // namespace nyala::detail

namespace nyala {

MemoryStats memory_stats(const Device& device) {
  if (device.kind() != Device::Kind::cpu) return detail::device_memory(device).stats();
  return detail::pool<detail::storage>().stats();
}

void reset_peak_memory(const Device& device) {
  if (device.kind() != Device::Kind::cpu) return detail::device_memory(device).reset_peak();
  detail::pool<detail::storage>().reset_peak();
}

void empty_memory_cache(const Device& device) {
  if (device.kind() != Device::Kind::cpu) return detail::device_memory(device).empty_cache();
  if (detail::FrontCache* front = detail::thread_fronts.fronts[detail::objects])
    detail::pool<detail::objects>().flush(*front);
  detail::pool<detail::objects>().empty();
  detail::pool<detail::storage>().empty();
}

}  // namespace nyala
