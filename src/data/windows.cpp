#include <cmath>
#include <limits>
#include <string>

#include <nyala/error.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/utils.hpp>

#include "core/seed_stream.hpp"
#include "core/tensor_impl.hpp"
#include "data/source.hpp"

namespace nyala::utils {
namespace {

/// Windows over the rows of a tensor, by number.
class WindowRows final : public detail::RowStore {
 public:
  WindowRows(Tensor data, Tensor targets, std::int64_t length, std::int64_t stride, std::int64_t rate,
             std::int64_t count)
      : data_(std::move(data)),
        targets_(std::move(targets)),
        length_(length),
        stride_(stride),
        rate_(rate),
        count_(count) {}

  std::int64_t count() const override { return count_; }

  Batch row(std::int64_t number) const override {
    const auto without_axis = [](const Tensor& part) {
      Shape shape = part.shape();
      shape.erase(0);
      return reshape(part, shape);
    };
    const Batch one = gather(std::span<const std::int64_t>(&number, 1));
    Batch batch;
    for (const Tensor& part : one.x) batch.x.push_back(without_axis(part));
    for (const Tensor& part : one.y) batch.y.push_back(without_axis(part));
    return batch;
  }

  Batch gather(std::span<const std::int64_t> numbers) const override {
    std::vector<std::int64_t> steps, begins;
    for (const std::int64_t number : numbers) {
      begins.push_back(number * stride_);
      for (std::int64_t i = 0; i < length_; ++i) steps.push_back(begins.back() + i * rate_);
    }
    Batch batch;
    const Shape shape{static_cast<std::int64_t>(numbers.size()), length_};
    batch.x.push_back(take(data_, tensor(steps, shape).to(data_.device()), 0));
    if (targets_.defined()) batch.y.push_back(take(targets_, tensor(begins).to(targets_.device()), 0));
    return batch;
  }

 private:
  Tensor data_, targets_;
  std::int64_t length_, stride_, rate_, count_;
};

void at_least_one(const char* what, std::int64_t value) {
  if (value < 1)
    throw Error(std::string("timeseries_dataset_from_array: ") + what + " must be positive, got " +
                std::to_string(value));
}

std::int64_t part_of(double size, std::int64_t count, const char* which) {
  const double elements = size < 1.0 ? std::floor(size * static_cast<double>(count)) : size;
  if (!(size >= 0.0) || elements != std::floor(elements) || elements > static_cast<double>(count)) {
    throw Error(std::string("split_dataset: ") + which + " must be a share below 1 or a whole number up to the " +
                std::to_string(count) + " elements, got " + std::to_string(size));
  }
  return static_cast<std::int64_t>(elements);
}

}  // namespace

Dataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const TimeseriesOptions& options) {
  const std::string where = "timeseries_dataset_from_array: ";
  detail::require_defined(data, "timeseries_dataset_from_array");
  if (data.shape().rank() == 0) throw Error(where + "the data have no axis of time");
  at_least_one("sequence_length", sequence_length);
  at_least_one("sequence_stride", options.sequence_stride);
  at_least_one("sampling_rate", options.sampling_rate);
  if (options.batch_size) at_least_one("batch_size", *options.batch_size);
  const std::int64_t time = data.shape()[0];
  const std::int64_t begin = options.start_index.value_or(0), end = options.end_index.value_or(time);
  if (begin < 0 || begin >= end || end > time) {
    throw Error(where + "start_index and end_index must lie within the " + std::to_string(time) +
                " steps of the data, got " + std::to_string(begin) + " and " + std::to_string(end));
  }
  // Divided, so that a huge length cannot overflow.
  const std::int64_t steps = end - begin;
  if (sequence_length - 1 > (steps - 1) / options.sampling_rate) {
    throw Error(where + "a window of " + std::to_string(sequence_length) + " entries, one every " +
                std::to_string(options.sampling_rate) + " steps, is longer than the " + std::to_string(steps) +
                " steps of the data");
  }
  std::int64_t begins = steps - (sequence_length - 1) * options.sampling_rate;
  Tensor used_targets;
  if (targets.defined()) {
    if (targets.shape().rank() == 0 || targets.shape()[0] <= begin)
      throw Error(where + "the targets " + targets.shape().str() + " end before the data that are used begin");
    used_targets = targets.rows(begin, std::min(end, targets.shape()[0]));
    begins = std::min(begins, used_targets.shape()[0]);
  }
  const std::int64_t count = (begins - 1) / options.sequence_stride + 1;
  Dataset windows(detail::row_source(std::make_shared<WindowRows>(
      data.rows(begin, end), used_targets, sequence_length, options.sequence_stride, options.sampling_rate, count)));
  if (options.shuffle) windows = windows.shuffle(count, options.seed);
  return options.batch_size ? windows.batch(*options.batch_size) : windows;
}

std::pair<Dataset, Dataset> split_dataset(const Dataset& data, double left_size, std::optional<double> right_size,
                                          bool shuffle, std::optional<std::uint64_t> seed) {
  const std::optional<std::int64_t> count = data.cardinality();
  if (!count || *count < 0) throw Error("split_dataset: the number of elements must be known and finite");
  const std::int64_t left = part_of(left_size, *count, "left_size");
  const std::int64_t right = right_size ? part_of(*right_size, *count, "right_size") : *count - left;
  if (left + right > *count) {
    throw Error("split_dataset: the parts of " + std::to_string(left) + " and " + std::to_string(right) +
                " elements are more than the " + std::to_string(*count) + " there are");
  }
  // One seed, so that both parts come from one order.
  if (shuffle && !seed) seed = detail::Draws(detail::next_stream()).below(std::numeric_limits<std::int64_t>::max());
  const Dataset from = shuffle ? data.shuffle(std::max<std::int64_t>(*count, 1), seed, false) : data;
  return {from.take(left), from.skip(*count - right)};
}

}  // namespace nyala::utils
