#include <atomic>
#include <string>

#include <nyala/error.hpp>
#include <nyala/ops/indexing.hpp>
#include <nyala/ops/shape.hpp>

#include "data/source.hpp"

namespace nyala {
namespace detail {
namespace {

/// Whether the numbers follow one another, so that their rows lie side by side.
bool consecutive(std::span<const std::int64_t> numbers) {
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] != numbers[i - 1] + 1) return false;
  }
  return true;
}

class TensorRows final : public RowStore {
 public:
  TensorRows(Batch tensors, std::int64_t count) : tensors_(std::move(tensors)), count_(count) {}
  std::int64_t count() const override { return count_; }

  Batch row(std::int64_t number) const override {
    return each([&](const Tensor& tensor) {
      Shape shape = tensor.shape();
      shape.erase(0);
      return reshape(tensor.rows(number, number + 1), shape);
    });
  }

  Batch gather(std::span<const std::int64_t> numbers) const override {
    if (consecutive(numbers)) {
      return each([&](const Tensor& tensor) { return tensor.rows(numbers.front(), numbers.back() + 1); });
    }
    const Tensor indices = nyala::tensor(numbers, Shape{static_cast<std::int64_t>(numbers.size())});
    return each([&](const Tensor& tensor) { return nyala::take(tensor, indices.to(tensor.device()), 0); });
  }

 private:
  template <class F>
  Batch each(F part) const {
    Batch result;
    for (const Tensor& tensor : tensors_.x) result.x.push_back(part(tensor));
    for (const Tensor& tensor : tensors_.y) result.y.push_back(part(tensor));
    for (const Tensor& tensor : tensors_.sample_weight) result.sample_weight.push_back(part(tensor));
    return result;
  }

  Batch tensors_;
  std::int64_t count_;
};

class RangeRows final : public RowStore {
 public:
  explicit RangeRows(std::int64_t stop) : stop_(stop) {}
  std::int64_t count() const override { return stop_; }
  Batch row(std::int64_t number) const override {
    return {tensor(std::span<const std::int64_t>(&number, 1), Shape{}), {}, {}};
  }
  Batch gather(std::span<const std::int64_t> numbers) const override {
    return {tensor(numbers, Shape{static_cast<std::int64_t>(numbers.size())}), {}, {}};
  }

 private:
  std::int64_t stop_;
};

class RowSource final : public Dataset::Source {
 public:
  explicit RowSource(std::shared_ptr<const RowStore> store) : store_(std::move(store)) {}
  std::shared_ptr<const RowStore> store() const override { return store_; }
  std::optional<std::int64_t> cardinality() const override { return store_->count(); }
  std::unique_ptr<RowNumbers> numbers(const Pass&) const override { return std::make_unique<All>(store_->count()); }

 private:
  struct All final : RowNumbers {
    explicit All(std::int64_t rows) : count(rows) {}
    bool next(std::int64_t& number) override {
      if (at == count) return false;
      number = at++;
      return true;
    }
    std::int64_t count, at = 0;
  };

  std::shared_ptr<const RowStore> store_;
};

struct RowElements final : Dataset::Iterator {
  RowElements(std::shared_ptr<const RowStore> rows, std::unique_ptr<RowNumbers> order)
      : store(std::move(rows)), numbers(std::move(order)) {}
  bool next(Batch& element) override {
    std::int64_t number = 0;
    if (!numbers->next(number)) return false;
    element = store->row(number);
    return true;
  }
  std::shared_ptr<const RowStore> store;
  std::unique_ptr<RowNumbers> numbers;
};

}  // namespace

std::shared_ptr<const RowStore> rows_of_tensors(const Tensors& x, const Tensors& y, const Tensors& sample_weight) {
  const std::string where = "Dataset::from_tensor_slices: ";
  if (x.empty()) throw Error(where + "no tensor was given");
  std::int64_t rows = -1;
  const auto check = [&](const Tensors& tensors, const char* role) {
    for (const Tensor& tensor : tensors) {
      if (!tensor.defined()) throw Error(where + role + " holds a tensor that was never made");
      if (tensor.rank() == 0) throw Error(where + role + " must have an axis to be cut along, got a scalar");
      if (rows < 0) rows = tensor.shape()[0];
      if (rows != tensor.shape()[0]) {
        throw Error(where + "x has " + std::to_string(rows) + " rows, but a tensor of " + role + " has " +
                    std::to_string(tensor.shape()[0]) + "; they must agree");
      }
    }
  };
  check(x, "x");
  check(y, "y");
  check(sample_weight, "sample_weight");
  return std::make_shared<TensorRows>(Batch{x, y, sample_weight}, rows);
}

std::shared_ptr<const RowStore> rows_of_range(std::int64_t stop) { return std::make_shared<RangeRows>(stop); }

Sources row_source(std::shared_ptr<const RowStore> store) { return std::make_shared<RowSource>(std::move(store)); }

Pass Pass::part(std::uint64_t which) const {
  const auto mixed = [&](std::uint64_t value) {
    const philox::Block block = philox::block({value, 0x64617461}, which);
    return std::uint64_t{block[1]} << 32 | block[0];
  };
  return {mixed(key), mixed(number)};
}

std::int64_t Draws::below(std::int64_t bound) {
  const philox::Block block = philox::block(stream_, place_++);
  const std::uint64_t bits = std::uint64_t{block[1]} << 32 | block[0];
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>((Wide{bits} * static_cast<std::uint64_t>(bound)) >> 64));
}

}  // namespace detail

std::unique_ptr<Dataset::Iterator> Dataset::Source::elements(const detail::Pass& pass) const {
  return std::make_unique<detail::RowElements>(store(), numbers(pass));
}

std::unique_ptr<detail::RowNumbers> Dataset::Source::numbers(const detail::Pass&) const { return nullptr; }

std::uint64_t Dataset::Source::begin_pass() const { return std::atomic_ref(passes_).fetch_add(1); }
std::uint64_t Dataset::Source::passes() const { return std::atomic_ref(passes_).load(); }
void Dataset::Source::set_passes(std::uint64_t passes) const { std::atomic_ref(passes_).store(passes); }

}  // namespace nyala
