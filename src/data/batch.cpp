#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/ops/shape.hpp>

#include "data/source.hpp"

namespace nyala::detail {
namespace {

Tensor stacked_strings(const std::vector<Tensor>& parts) {
  std::vector<std::string> values;
  for (const Tensor& part : parts) {
    for (std::string& text : part.to_strings()) values.push_back(std::move(text));
  }
  Shape shape = parts.front().shape();
  shape.insert(0, static_cast<std::int64_t>(parts.size()));
  return tensor(values, shape);
}

Tensors stacked_tensors(std::span<const Batch> elements, Tensors Batch::*member, const char* role) {
  const Tensors& first = elements.front().*member;
  Tensors result;
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::vector<Tensor> parts;
    for (std::size_t e = 0; e < elements.size(); ++e) {
      const Tensors& tensors = elements[e].*member;
      const auto refuse = [&](const std::string& what) {
        throw Error(std::string("Dataset::batch: ") + role + " of element " + std::to_string(e) + " of a batch " +
                    what);
      };
      if (tensors.size() != first.size()) {
        refuse("has " + std::to_string(tensors.size()) + " tensors, that of the first " + std::to_string(first.size()));
      }
      if (!tensors[i].defined()) refuse("holds a tensor that was never made");
      if (tensors[i].shape() != first[i].shape()) {
        refuse("has the shape " + tensors[i].shape().str() + ", that of the first " + first[i].shape().str());
      }
      if (tensors[i].dtype() != first[i].dtype() && !(tensors[i].weak() && first[i].weak())) {
        refuse(std::string("is ") + name_of(tensors[i].dtype()) + ", that of the first " + name_of(first[i].dtype()));
      }
      parts.push_back(tensors[i]);
    }
    result.push_back(first[i].dtype() == DType::string ? stacked_strings(parts) : stack(parts));
  }
  return result;
}

struct StackedBatches final : Dataset::Iterator {
  StackedBatches(std::unique_ptr<Dataset::Iterator> upstream, std::size_t batch, bool drop)
      : from(std::move(upstream)), batch_size(batch), drop_remainder(drop) {}
  bool next(Batch& element) override {
    std::vector<Batch> elements;
    Batch one;
    while (elements.size() < batch_size && from != nullptr) {
      if (from->next(one))
        elements.push_back(std::move(one));
      else
        from = nullptr;
    }
    if (elements.empty() || (drop_remainder && elements.size() < batch_size)) return false;
    element = stacked(elements);
    return true;
  }
  std::unique_ptr<Dataset::Iterator> from;
  std::size_t batch_size;
  bool drop_remainder;
};

struct GatheredBatches final : Dataset::Iterator {
  GatheredBatches(std::shared_ptr<const RowStore> rows, std::unique_ptr<RowNumbers> order, std::size_t batch, bool drop)
      : store(std::move(rows)), from(std::move(order)), batch_size(batch), drop_remainder(drop) {}
  bool next(Batch& element) override {
    numbers.clear();
    std::int64_t number = 0;
    while (numbers.size() < batch_size && from->next(number)) numbers.push_back(number);
    if (numbers.empty() || (drop_remainder && numbers.size() < batch_size)) return false;
    element = store->gather(numbers);
    return true;
  }
  std::shared_ptr<const RowStore> store;
  std::unique_ptr<RowNumbers> from;
  std::vector<std::int64_t> numbers;
  std::size_t batch_size;
  bool drop_remainder;
};

class Batches final : public Dataset::Source {
 public:
  Batches(Sources from, std::int64_t batch_size, bool drop_remainder)
      : from_(std::move(from)), batch_size_(batch_size), drop_remainder_(drop_remainder) {}

  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const override {
    const auto size = static_cast<std::size_t>(batch_size_);
    if (const auto store = from_->store()) {
      return std::make_unique<GatheredBatches>(store, from_->numbers(pass), size, drop_remainder_);
    }
    return std::make_unique<StackedBatches>(from_->elements(pass), size, drop_remainder_);
  }
  std::optional<std::int64_t> cardinality() const override {
    const auto count = from_->cardinality();
    if (!count || *count < 0) return count;
    return *count / batch_size_ + (!drop_remainder_ && *count % batch_size_ != 0 ? 1 : 0);
  }

 private:
  Sources from_;
  std::int64_t batch_size_;
  bool drop_remainder_;
};

}  // namespace

Batch stacked(std::span<const Batch> elements) {
  return {stacked_tensors(elements, &Batch::x, "x"), stacked_tensors(elements, &Batch::y, "y"),
          stacked_tensors(elements, &Batch::sample_weight, "sample_weight")};
}

Sources batch_source(Sources from, std::int64_t batch_size, bool drop_remainder) {
  return std::make_shared<Batches>(std::move(from), batch_size, drop_remainder);
}

}  // namespace nyala::detail
