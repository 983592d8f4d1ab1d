#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include <nyala/dataset.hpp>
#include <nyala/tensor.hpp>

namespace nyala::detail {

class GatherAhead;

/// When a second thread gathers rows ahead of the training. The batches are the same, to the bit.
enum class Ahead : std::uint8_t { never, where_it_pays, always };

/// The rows of a pass in its order, batch by batch. Rows at random places of memory are slow to read: where that takes
/// much of the time between batches, and num_threads() > 1, a thread reads them ahead, in blocks of many batches which
/// the batches are then parts of. Whoever asks for rows that it has not ready gathers them himself and never waits.
class ShuffledRows {
 public:
  /// `order`: integers, a row for every place. Rows are asked for from `begin` on, `batch` at a time.
  ShuffledRows(const Batch& data, Tensor order, std::int64_t begin, std::int64_t batch, Ahead ahead);
  ~ShuffledRows();
  ShuffledRows(const ShuffledRows&) = delete;
  ShuffledRows& operator=(const ShuffledRows&) = delete;

  /// The places [begin, end), which are behind those of the call before.
  void get(std::int64_t begin, std::int64_t end, Batch& batch);

 private:
  using Clock = std::chrono::steady_clock;
  void start_ahead(std::int64_t begin);

  Batch data_;
  Tensor order_;
  Ahead wanted_;
  std::int64_t block_;        // places of a block, whole batches; 0 where no thread may help
  int asked_ = 0, slow_ = 0;  // batches that were timed, and those whose gathering took long
  Clock::time_point last_;    // when the last of them was asked for
  std::unique_ptr<GatherAhead> ahead_;
};

}  // namespace nyala::detail
