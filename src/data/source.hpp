#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include <nyala/dataset.hpp>

#include "core/philox.hpp"

namespace nyala::detail {

/// Rows by number, for datasets whose elements are rows of tensors: shuffling moves numbers, and a batch is gathered
/// at once.
class RowStore {
 public:
  virtual ~RowStore() = default;
  virtual std::int64_t count() const = 0;
  /// One element, without the leading axis.
  virtual Batch row(std::int64_t number) const = 0;
  /// Several, along a leading axis.
  virtual Batch gather(std::span<const std::int64_t> numbers) const = 0;
};

class RowNumbers {
 public:
  virtual ~RowNumbers() = default;
  virtual bool next(std::int64_t& number) = 0;
};

template <class T>
using Stream = std::conditional_t<std::same_as<T, Batch>, Dataset::Iterator, RowNumbers>;

/// What one pass over a dataset draws its random numbers from. It is fixed before the pass begins, so that a background
/// thread takes nothing from the process' own sequence.
struct Pass {
  std::uint64_t key = 0;     // of the process' seed
  std::uint64_t number = 0;  // the how-manieth pass; for shuffles with a seed of their own

  /// The pass over one of several parts.
  Pass part(std::uint64_t which) const;
};

/// Where random whole numbers come from.
class Draws {
 public:
  explicit Draws(philox::Stream stream) : stream_(stream) {}
  /// Below `bound`, each as likely as another to within 2^-64 times bound.
  std::int64_t below(std::int64_t bound);

 private:
  philox::Stream stream_;
  std::uint64_t place_ = 0;
};

/// The rows of the tensors; throws Error unless they share their leading axis.
std::shared_ptr<const RowStore> rows_of_tensors(const Tensors& x, const Tensors& y, const Tensors& sample_weight);
std::shared_ptr<const RowStore> rows_of_range(std::int64_t stop);

}  // namespace nyala::detail

namespace nyala {

/// What a Dataset is made of: a store of rows, a generator, or a stage that changes another source's elements.
class Dataset::Source {
 public:
  virtual ~Source() = default;
  virtual std::unique_ptr<Iterator> elements(const detail::Pass& pass) const;
  virtual std::optional<std::int64_t> cardinality() const = 0;
  /// Where the elements are rows of a store: that store; else null.
  virtual std::shared_ptr<const detail::RowStore> store() const { return nullptr; }
  /// Their numbers in order; only where there is a store.
  virtual std::unique_ptr<detail::RowNumbers> numbers(const detail::Pass& pass) const;
  /// Counts the passes that were begun here.
  std::uint64_t begin_pass() const;
  std::uint64_t passes() const;
  void set_passes(std::uint64_t passes) const;

 private:
  mutable std::uint64_t passes_ = 0;
};

}  // namespace nyala

namespace nyala::detail {

using Sources = std::shared_ptr<const Dataset::Source>;

template <class T>
std::unique_ptr<Stream<T>> open(const Dataset::Source& source, const Pass& pass) {
  if constexpr (std::same_as<T, Batch>)
    return source.elements(pass);
  else
    return source.numbers(pass);
}

/// A source that changes which elements come when, but no element: it works on numbers of rows where there are such.
/// Derived has `template <class T> std::unique_ptr<Stream<T>> begin(const Pass&) const`.
template <class Derived>
class OrderStage : public Dataset::Source {
 public:
  explicit OrderStage(Sources from) : from_(std::move(from)) {}
  std::shared_ptr<const RowStore> store() const final { return from_->store(); }
  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const final {
    if (store() != nullptr) return Dataset::Source::elements(pass);
    return static_cast<const Derived&>(*this).template begin<Batch>(pass);
  }
  std::unique_ptr<RowNumbers> numbers(const Pass& pass) const final {
    return static_cast<const Derived&>(*this).template begin<std::int64_t>(pass);
  }

 protected:
  const Dataset::Source& from() const { return *from_; }

 private:
  Sources from_;
};

Sources row_source(std::shared_ptr<const RowStore> store);
Sources take_source(Sources from, std::int64_t count);
Sources skip_source(Sources from, std::int64_t count);
/// count < 0: without end.
Sources repeat_source(Sources from, std::int64_t count);
Sources shuffle_source(Sources from, std::int64_t buffer_size, std::optional<std::uint64_t> seed, bool reshuffle);
Sources cache_source(Sources from);
Sources batch_source(Sources from, std::int64_t batch_size, bool drop_remainder);
Sources prefetch_source(Sources from, std::size_t buffer_size);

/// How many passes over a dataset were begun: what a shuffle with a seed of its own depends on.
struct DatasetPasses {
  static std::uint64_t of(const Dataset& data) { return data.source_->passes(); }
  static void set(const Dataset& data, std::uint64_t passes) { data.source_->set_passes(passes); }
};

/// Elements stacked along a new leading axis; throws Error naming the shapes that differ.
Batch stacked(std::span<const Batch> elements);

}  // namespace nyala::detail
