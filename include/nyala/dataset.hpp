#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

namespace detail {
struct DatasetPasses;
}

/// What a dataset yields: inputs, targets and weights (the latter two may be empty), of one sample or of one batch.
struct Batch {
  Tensors x, y, sample_weight;
};

/// A sequence of samples or batches that can be gone through again and again; a description, made lazily, immutable and
/// cheap to copy. Made by named functions only, so that `{a, b}` never means a Dataset.
///
/// A training that goes on within a pass (BackupAndRestore) begins that pass again, with the random numbers it had, and
/// passes over the batches that were done. So what functions given to from_generator, map and filter return must depend
/// only on their argument, the place in the pass and random:: without a generator; not, behind prefetch, on the latter.
/// https://www.tensorflow.org/api_docs/python/tf/data/Dataset
class Dataset {
 public:
  /// Goes through the elements once; false at the end.
  class Iterator {
   public:
    virtual ~Iterator() = default;
    virtual bool next(Batch& element) = 0;
  };
  class Source;

  /// One element per row of the tensors, which share their leading axis. Throws Error naming both lengths otherwise.
  static Dataset from_tensor_slices(const Tensors& x, const Tensors& y = {}, const Tensors& sample_weight = {});
  /// `make` starts a pass; the function it returns yields elements until std::nullopt.
  static Dataset from_generator(std::function<std::function<std::optional<Batch>()>()> make,
                                std::optional<std::int64_t> cardinality = {});
  static Dataset range(std::int64_t stop);
  /// Pairs the x of `a` with the x of `b` as its y.
  static Dataset zip(const Dataset& a, const Dataset& b);

  Dataset map(std::function<Batch(const Batch&)> function) const;
  Dataset filter(std::function<bool(const Batch&)> predicate) const;
  /// Draws at random from a buffer; another order in each pass unless told otherwise. buffer_size >= the number of
  /// elements gives a uniform shuffle.
  Dataset shuffle(std::int64_t buffer_size, std::optional<std::uint64_t> seed = {},
                  bool reshuffle_each_iteration = true) const;
  Dataset batch(int batch_size, bool drop_remainder = false) const;
  /// count < 0 or left out: without end.
  Dataset repeat(std::int64_t count = -1) const;
  Dataset take(std::int64_t count) const;
  Dataset skip(std::int64_t count) const;
  /// Keeps the elements of the first complete pass in memory.
  Dataset cache() const;
  /// Prepares up to that many elements in a background thread. An exception there is thrown by next() here.
  Dataset prefetch(int buffer_size) const;

  std::unique_ptr<Iterator> iterator() const;
  /// Number of elements, if it is known; negative: without end.
  std::optional<std::int64_t> cardinality() const;

  explicit Dataset(std::shared_ptr<const Source> source) : source_(std::move(source)) {}

 private:
  friend struct detail::DatasetPasses;
  std::shared_ptr<const Source> source_;
};

}  // namespace nyala
