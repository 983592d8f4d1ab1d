#include "model/shuffled_rows.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <nyala/device.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/threads.hpp>

#include "core/parallel.hpp"
#include "core/signals_blocked.hpp"

namespace nyala::detail {
namespace {

Batch for_all(const Batch& data, const auto& part_of) {
  const auto parts = [&](const Tensors& tensors) {
    Tensors result;
    for (const Tensor& tensor : tensors) result.push_back(part_of(tensor));
    return result;
  };
  return {parts(data.x), parts(data.y), parts(data.sample_weight)};
}

Batch gathered(const Batch& data, const Tensor& order, std::int64_t begin, std::int64_t end) {
  const Tensor rows = order.rows(begin, end);
  return for_all(data, [&](const Tensor& tensor) { return take(tensor, rows.to(tensor.device()), 0); });
}

constexpr std::int64_t block_bytes = 256 << 10;  // a fraction of a second-level cache
constexpr std::int64_t worth_bytes = 2 << 20;    // what such a cache holds: rows in it are quick to read
constexpr int voters = 8;                        // batches that are timed
constexpr int share = 32;                        // a thread pays where gathering takes more than 1/share of the time

/// Places of a block; 0 where batches are so large, or the data so small, that a thread would not help.
std::int64_t places_of_block(const Batch& data, std::int64_t places, std::int64_t batch) {
  std::int64_t row_bytes = 0;
  for (const Tensors* tensors : {&data.x, &data.y, &data.sample_weight}) {
    for (const Tensor& tensor : *tensors) {
      if (tensor.dtype() == DType::string || tensor.device().kind() != Device::Kind::cpu) return 0;
      row_bytes += static_cast<std::int64_t>(tensor.bytes()) / tensor.shape()[0];
    }
  }
  const std::int64_t batches = block_bytes / std::max<std::int64_t>(row_bytes * batch, 1);
  return batches < 2 || places * row_bytes < worth_bytes ? 0 : batches * batch;
}

}  // namespace

/// Gathers blocks in a thread of its own, which sleeps from when many stand ready until few do.
class GatherAhead {
 public:
  /// From the place `begin` on, to the end of the order. Throws std::system_error where there are no more threads.
  GatherAhead(Batch data, Tensor order, std::int64_t begin, std::int64_t block)
      : data_(std::move(data)), order_(std::move(order)), wanted_(begin), block_(block), thread_([this] { run(); }) {}

  ~GatherAhead() {
    {
      const std::scoped_lock guard(mutex_);
      stop_ = true;
    }
    room_.notify_one();
    thread_.join();
  }

  /// Whether the places [begin, end) were ready; otherwise the caller gathers them.
  bool get(std::int64_t begin, std::int64_t end, Batch& batch) {
    if (current_.end < end && !next_block(begin, end)) return false;
    batch = for_all(current_.rows,
                    [&](const Tensor& tensor) { return tensor.rows(begin - current_.begin, end - current_.begin); });
    return true;
  }

 private:
  static constexpr std::size_t most_ready = 6, few_ready = 1;  // to wake a thread takes as long as to gather a block
  struct Block {
    std::int64_t begin = 0, end = 0;
    Batch rows;
  };

  /// Whether the block with these places was ready; blocks before it came too late.
  bool next_block(std::int64_t begin, std::int64_t end) {
    current_ = {};
    std::unique_lock lock(mutex_);
    wanted_ = end;
    while (!ready_.empty() && ready_.front().end < end) ready_.pop_front();
    const bool found = !ready_.empty() && ready_.front().begin <= begin;
    if (found) {
      current_ = std::move(ready_.front());
      ready_.pop_front();
    }
    const bool wake = sleeps_ && ready_.size() <= few_ready;
    lock.unlock();
    if (wake) room_.notify_one();
    return found;
  }

  void run() {
    const OnThisThread alone;
    try {
      Block block;
      while (next(block)) {
        block.rows = gathered(data_, order_, block.begin, block.end);
        const std::scoped_lock guard(mutex_);
        ready_.push_back(std::move(block));
      }
    } catch (...) {  // there is no memory left: whoever asks for rows gathers them, and learns of it if it stays so
    }
  }

  /// Waits for room. Whether there is another block to gather: from where the last one ended, or from what was asked
  /// for since.
  bool next(Block& block) {
    std::unique_lock lock(mutex_);
    sleeps_ = ready_.size() == most_ready;
    room_.wait(lock, [&] { return stop_ || !sleeps_ || ready_.size() <= few_ready; });
    sleeps_ = false;
    block.begin = std::max(block.end, wanted_);
    block.end = std::min(order_.size(), block.begin + block_);
    return !stop_ && block.begin < block.end;
  }

  const Batch data_;
  const Tensor order_;
  Block current_;  // the caller's
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Block> ready_;
  std::int64_t wanted_;  // the places before it were given out
  const std::int64_t block_;
  bool stop_ = false, sleeps_ = false;
  std::thread thread_;  // last: it uses all of the above
};

ShuffledRows::ShuffledRows(const Batch& data, Tensor order, std::int64_t begin, std::int64_t batch, Ahead ahead)
    : data_(data), order_(std::move(order)), wanted_(ahead) {
  const bool may = ahead != Ahead::never && num_threads() > 1 && default_device().kind() == Device::Kind::cpu;
  block_ = may ? places_of_block(data_, order_.size() - begin, batch) : 0;
}

ShuffledRows::~ShuffledRows() = default;

void ShuffledRows::get(std::int64_t begin, std::int64_t end, Batch& batch) {
  if (ahead_ != nullptr && ahead_->get(begin, end, batch)) return;
  if (ahead_ != nullptr || block_ == 0) {
    batch = gathered(data_, order_, begin, end);
    return;
  }
  const Clock::time_point asked = Clock::now();
  batch = gathered(data_, order_, begin, end);
  const Clock::duration gathering = Clock::now() - asked;
  if (asked_ > 0 && gathering * share > asked - last_) ++slow_;
  last_ = asked;
  if (wanted_ == Ahead::always || slow_ > voters / 2)
    start_ahead(end);
  else if (++asked_ > voters)
    block_ = 0;
}

void ShuffledRows::start_ahead(std::int64_t begin) {
  const SignalsBlocked blocked;
  try {
    ahead_ = std::make_unique<GatherAhead>(data_, order_, begin, block_);
  } catch (const std::system_error&) {  // there are no more threads
    block_ = 0;
  }
}

}  // namespace nyala::detail
