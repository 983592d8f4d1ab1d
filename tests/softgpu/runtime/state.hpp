#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "runtime/engine.hpp"

namespace softgpu {

/// How much of every stream's work is known to come before a point: entry i is of the stream with number i.
class Clock {
 public:
  std::uint64_t at(std::size_t stream) const { return stream < seen_.size() ? seen_[stream] : 0; }
  void set(std::size_t stream, std::uint64_t value);
  void join(const Clock& other);

 private:
  std::vector<std::uint64_t> seen_;
};

/// The last use of a block by each stream.
struct Uses {
  std::uint64_t any = 0, write = 0;
};

struct Block {
  std::byte* data = nullptr;
  std::size_t bytes = 0, capacity = 0;  // capacity: with red zones
  int device = 0;                       // -1: pinned host memory
  bool ordered = false;                 // of cudaMallocAsync: made at `made` of stream `stream`
  bool freed = false;
  std::size_t stream = 0;
  std::uint64_t made = 0;
  std::map<std::size_t, Uses> uses;
};

}  // namespace softgpu

struct CUstream_st {
  std::size_t number = 0;
  int device = 0;
  std::deque<std::function<void()>> queue;
  std::uint64_t pushed = 0, done = 0, wanted = 0;
  std::size_t hold = 0;  // work waits until so much is queued, or is wanted, or a moment has passed
  bool closing = false;
  softgpu::Clock clock;
  std::condition_variable wake, finished;
  std::thread thread;
};

struct CUevent_st {
  int device = 0;
  CUstream_st* stream = nullptr;  // null: not recorded; never dangles, streams are kept
  std::uint64_t at = 0;
  softgpu::Clock clock;
};

struct CUmemPoolHandle_st {
  int device = 0;
  std::uint64_t release_threshold = 0;
};

namespace softgpu {

struct State {
  std::mutex mutex;
  std::vector<std::unique_ptr<CUstream_st>> streams;  // all that ever were
  std::set<CUstream_st*> open_streams;
  std::set<CUevent_st*> events;
  Clock host;
  std::map<std::uintptr_t, std::unique_ptr<Block>> blocks;  // by address, freed ones that may be used again too
  std::vector<CUmemPoolHandle_st> pools;
  std::vector<std::size_t> used, highest;  // bytes per device
};

/// Never destroyed: threads may outlive main().
State& state();

void run_stream(CUstream_st& stream);

// The caller holds the mutex in these.
void push(CUstream_st& stream, std::function<void()> work);
void wait_for(CUstream_st& stream, std::uint64_t at, std::unique_lock<std::mutex>& lock);
/// Null if the pointer lies in no block, live or freed.
Block* find_block(const void* pointer);
/// Empty, or what is wrong with this use by the next work of the stream; notes the use.
std::string note_use(CUstream_st& stream, const Use& use, bool pinned_allowed);
/// Null, with the error noted, unless the handle is of an open stream.
CUstream_st* open_stream(cudaStream_t stream, const char* what);

/// Device memory; null when there is not enough.
Block* take_block(std::size_t bytes, int device);
void poison(Block& block, std::uint16_t pattern);
/// Notes a violation if somebody wrote before or after the block.
void check_red_zones(const Block& block, const char* when);
void give_back(Block& block);
bool in_worker();

inline constexpr std::uint16_t fresh_pattern = 0xFFFF, freed_pattern = 0xFFF5;

}  // namespace softgpu
