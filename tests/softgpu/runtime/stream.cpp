#include <unistd.h>

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "runtime/state.hpp"

namespace softgpu {
namespace {

enum class Delay { none, late, random };

Delay delay() {
  static const Delay kind = [] {
    const std::string wanted =
        std::getenv("NYALA_SOFTGPU_DELAY") != nullptr ? std::getenv("NYALA_SOFTGPU_DELAY") : "late";
    return wanted == "none" ? Delay::none : wanted == "random" ? Delay::random : Delay::late;
  }();
  return kind;
}

thread_local bool worker = false;

std::size_t next_hold() { return delay() == Delay::none ? 1 : 1 + random_number() % 48; }

}  // namespace

/// What a stream's thread does: work waits until somebody waits for it, or more has come, or a moment has passed. So
/// what needs a synchronisation and has none mostly sees memory as it was before.
void run_stream(CUstream_st& stream) {
  worker = true;
  std::unique_lock lock(state().mutex);
  while (true) {
    stream.wake.wait(lock, [&] { return !stream.queue.empty() || stream.closing; });
    if (stream.queue.empty()) return;
    const auto due = [&] {
      return stream.wanted > stream.done || stream.queue.size() >= stream.hold || stream.closing;
    };
    if (!due()) stream.wake.wait_for(lock, std::chrono::milliseconds(2), due);
    const Access access;  // one for all that is due: where there are no keys, each costs two changes of pages
    do {
      std::function<void()> task = std::move(stream.queue.front());
      stream.queue.pop_front();
      lock.unlock();
      if (delay() == Delay::random && random_number() % 32 == 0) usleep(random_number() % 300);
      task();
      task = nullptr;
      lock.lock();
      ++stream.done;
      if (stream.queue.empty()) stream.hold = next_hold();
      stream.finished.notify_all();
    } while (!stream.queue.empty() && due());
  }
}

namespace {

bool is_mapped(std::uintptr_t address) {
  unsigned char resident = 0;
  return mincore(reinterpret_cast<void*>(address / 4096 * 4096), 1, &resident) == 0;
}

/// The blocks that the words of a parameter block point to, or a message about the first word that is wrong.
std::string find_uses(const void* parameters, std::size_t bytes, std::vector<Use>& uses) {
  for (std::size_t i = 0; i + sizeof(std::uintptr_t) <= bytes; i += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(parameters) + i, sizeof word);
    const auto* pointer = reinterpret_cast<const void*>(word);
    if (is_device_memory(pointer)) {
      uses.push_back({pointer, 0, Use::Kind::unknown});
    } else if (word >= std::uintptr_t{1} << 32 && word < std::uintptr_t{1} << 47 && is_mapped(word)) {
      const Block* block = find_block(pointer);
      if (block == nullptr) return "a parameter of the launch points to memory of the host";
      uses.push_back({pointer, 0, Use::Kind::unknown});
    }
  }
  return "";
}

}  // namespace

void Clock::set(std::size_t stream, std::uint64_t value) {
  if (seen_.size() <= stream) seen_.resize(stream + 1);
  seen_[stream] = value;
}

void Clock::join(const Clock& other) {
  if (seen_.size() < other.seen_.size()) seen_.resize(other.seen_.size());
  for (std::size_t i = 0; i < other.seen_.size(); ++i) seen_[i] = std::max(seen_[i], other.seen_[i]);
}

State& state() {
  static State& all = *[] {
    auto* made = new State;
    for (int i = 0; i < 4; ++i) made->pools.push_back({i, 0});
    made->used.resize(4);
    made->highest.resize(4);
    return made;
  }();
  return all;
}

bool in_worker() { return worker; }

void push(CUstream_st& stream, std::function<void()> work) {
  stream.clock.join(state().host);
  stream.clock.set(stream.number, ++stream.pushed);
  stream.queue.push_back(std::move(work));
  if (stream.queue.size() == 1 || stream.queue.size() >= stream.hold) stream.wake.notify_one();
}

void wait_for(CUstream_st& stream, std::uint64_t at, std::unique_lock<std::mutex>& lock) {
  stream.wanted = std::max(stream.wanted, at);
  if (stream.done < at) stream.wake.notify_one();
  stream.finished.wait(lock, [&] { return stream.done >= at; });
}

CUstream_st* open_stream(cudaStream_t stream, const char* what) {
  if (worker) {
    misuse(cudaErrorNotSupported, std::string(what) + ": called by a stream's own work");
    return nullptr;
  }
  if (stream == nullptr) {
    misuse(cudaErrorInvalidResourceHandle, std::string(what) + ": the default stream, which waits for all others");
    return nullptr;
  }
  if (!state().open_streams.contains(stream)) {
    misuse(cudaErrorInvalidResourceHandle, std::string(what) + ": not a stream, or one that was destroyed");
    return nullptr;
  }
  return stream;
}

std::string note_use(CUstream_st& stream, const Use& use, bool pinned_allowed) {
  Block* block = find_block(use.pointer);
  if (block == nullptr) {
    return is_device_memory(use.pointer) ? "device memory that belongs to no block" : "memory of the host";
  }
  if (block->freed) return "device memory that was freed (a block of " + std::to_string(block->bytes) + " bytes)";
  if (block->device < 0 && !pinned_allowed) return "pinned memory of the host";
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(use.pointer) - block->data);
  if (offset + use.bytes > block->bytes) {
    return std::to_string(use.bytes) + " bytes at " + std::to_string(offset) + " of a block of " +
           std::to_string(block->bytes);
  }
  if (block->device >= 0 && block->device != stream.device) return "memory of another device";
  Clock before = stream.clock;
  before.join(state().host);
  if (block->ordered && block->stream != stream.number && before.at(block->stream) < block->made)
    return "memory that another stream allocates, without waiting for that";
  for (const auto& [number, other] : block->uses) {
    if (number == stream.number) continue;
    if (other.write > before.at(number)) return "memory that another stream writes, without waiting for that";
    if (use.kind == Use::Kind::write && other.any > before.at(number))
      return "(to write) memory that another stream uses, without waiting for that";
  }
  Uses& mine = block->uses[stream.number];
  mine.any = stream.pushed + 1;
  if (use.kind == Use::Kind::write) mine.write = stream.pushed + 1;
  return "";
}

cudaError_t enqueue(cudaStream_t stream, const char* what, std::span<const Use> uses, std::function<void()> work) {
  if (const cudaError_t error = usable(); error != cudaSuccess) return fail(error);
  const std::lock_guard lock(state().mutex);
  CUstream_st* open = open_stream(stream, what);
  if (open == nullptr) return cudaErrorInvalidResourceHandle;
  for (const Use& use : uses) {
    if (const std::string wrong = note_use(*open, use, true); !wrong.empty())
      return misuse(cudaErrorIllegalAddress, std::string(what) + " touches " + wrong);
  }
  push(*open, std::move(work));
  return cudaSuccess;
}

cudaError_t enqueue_launch(cudaStream_t stream, const char* what, const void* parameters, std::size_t bytes,
                           std::function<void()> work) {
  if (const cudaError_t error = usable(); error != cudaSuccess) return fail(error);
  count("launches");
  if (fault("launch")) return fail(cudaErrorLaunchOutOfResources);
  const std::lock_guard lock(state().mutex);
  CUstream_st* open = open_stream(stream, what);
  if (open == nullptr) return cudaErrorInvalidResourceHandle;
  if (open->device != current_device())
    return misuse(cudaErrorInvalidResourceHandle, std::string(what) + ": a stream of another device than the current");
  std::vector<Use> uses;
  std::string wrong = find_uses(parameters, bytes, uses);
  for (const Use& use : uses)
    if (wrong.empty()) wrong = note_use(*open, use, true);
  if (!wrong.empty()) return misuse(cudaErrorIllegalAddress, std::string("launch of ") + what + " touches " + wrong);
  push(*open, std::move(work));
  return cudaSuccess;
}

}  // namespace softgpu
