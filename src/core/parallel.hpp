#pragma once

#include <algorithm>
#include <cstdint>

#include <nyala/threads.hpp>

#include "core/function_ref.hpp"

namespace nyala::detail {

/// How a range is cut: a function of its length and the grain alone, so that results never depend on the threads.
struct Chunks {
  static constexpr std::int64_t most = 64;
  std::int64_t size;   ///< elements of every chunk but the last
  std::int64_t count;  ///< 1 to 64, 0 for an empty range

  /// At least `grain` elements to a chunk. Long chunks begin at multiples of 16: whole cache lines of float32.
  static constexpr Chunks of(std::int64_t length, std::int64_t grain) {
    if (length <= 0) return {0, 0};
    grain = std::max<std::int64_t>(grain, 1);
    if (length <= grain) return {length, 1};
    std::int64_t size = std::max(grain, (length - 1) / most + 1);
    if (size >= 256) size = (size + 15) / 16 * 16;
    return {size, (length - 1) / size + 1};
  }
};

/// Calls fn(chunk) once for every chunk in [0, count), count <= 64, on up to num_threads() threads, the caller's
/// included; calls inside calls run on the thread that they are made on, and so do those of a second thread while a
/// first one has the pool. An exception of fn cancels chunks not yet begun and is thrown to the caller.
void run_chunks(std::int64_t count, FunctionRef<void(std::int64_t)> fn);

/// Calls fn(begin, end) for the chunks of [begin, end); `grain`: the fewest elements worth a chunk.
template <class F>
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain, F&& fn) {
  if (end <= begin) return;
  if (end - begin <= grain) {
    fn(begin, end);
    return;
  }
  const Chunks chunks = Chunks::of(end - begin, grain);
  run_chunks(chunks.count, [&](std::int64_t chunk) {
    const std::int64_t first = begin + chunk * chunks.size;
    fn(first, std::min(first + chunks.size, end));
  });
}

/// As parallel_for, with the number of the chunk: fn(chunk, begin, end). For reductions, which keep one partial result
/// per chunk of Chunks::of(end - begin, grain) and join them in order.
template <class F>
void parallel_chunks(std::int64_t begin, std::int64_t end, std::int64_t grain, F&& fn) {
  const Chunks chunks = Chunks::of(end - begin, grain);
  const auto run = [&](std::int64_t chunk) {
    const std::int64_t first = begin + chunk * chunks.size;
    fn(chunk, first, std::min(first + chunks.size, end));
  };
  if (chunks.count == 1)
    run(0);
  else if (chunks.count > 1)
    run_chunks(chunks.count, run);
}

/// While it lives, run_chunks() in the calling thread leaves the pool to others.
class OnThisThread {
 public:
  OnThisThread();
  ~OnThisThread();
  OnThisThread(const OnThisThread&) = delete;
  OnThisThread& operator=(const OnThisThread&) = delete;

 private:
  bool before_;
};

/// While it lives, OpenMP in the calling thread (oneDNN's) uses that thread only.
class SingleThreadedOmp {
 public:
  SingleThreadedOmp();
  ~SingleThreadedOmp();
  SingleThreadedOmp(const SingleThreadedOmp&) = delete;
  SingleThreadedOmp& operator=(const SingleThreadedOmp&) = delete;

 private:
  int before_;
};

}  // namespace nyala::detail
