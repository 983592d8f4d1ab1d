#include <nyala/dataset.hpp>

#include <algorithm>
#include <string>

#include <nyala/error.hpp>

#include "core/device_memory.hpp"
#include "core/seed_stream.hpp"
#include "data/source.hpp"

namespace nyala {

using detail::Pass;
using detail::Sources;

namespace {

class Generator final : public Dataset::Source {
 public:
  using Make = std::function<std::function<std::optional<Batch>()>()>;
  Generator(Make make, std::optional<std::int64_t> cardinality) : make_(std::move(make)), cardinality_(cardinality) {}

  std::unique_ptr<Dataset::Iterator> elements(const Pass&) const override {
    auto next = make_();
    if (!next) throw Error("Dataset::from_generator: the function to start a pass returned no function");
    return std::make_unique<Elements>(std::move(next));
  }
  std::optional<std::int64_t> cardinality() const override { return cardinality_; }

 private:
  struct Elements final : Dataset::Iterator {
    explicit Elements(std::function<std::optional<Batch>()> function) : make_next(std::move(function)) {}
    bool next(Batch& element) override {
      if (!make_next) return false;
      std::optional<Batch> made = make_next();
      if (made)
        element = std::move(*made);
      else
        make_next = nullptr;
      return made.has_value();
    }
    std::function<std::optional<Batch>()> make_next;
  };

  Make make_;
  std::optional<std::int64_t> cardinality_;
};

class Map final : public Dataset::Source {
 public:
  Map(Sources from, std::function<Batch(const Batch&)> function)
      : from_(std::move(from)), function_(std::make_shared<const Function>(std::move(function))) {}

  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const override {
    return std::make_unique<Elements>(from_->elements(pass), function_);
  }
  std::optional<std::int64_t> cardinality() const override { return from_->cardinality(); }

 private:
  using Function = std::function<Batch(const Batch&)>;
  struct Elements final : Dataset::Iterator {
    Elements(std::unique_ptr<Dataset::Iterator> upstream, std::shared_ptr<const Function> mapped)
        : from(std::move(upstream)), function(std::move(mapped)) {}
    bool next(Batch& element) override {
      Batch before;
      if (!from->next(before)) return false;
      element = (*function)(before);
      return true;
    }
    std::unique_ptr<Dataset::Iterator> from;
    std::shared_ptr<const Function> function;
  };

  Sources from_;
  std::shared_ptr<const Function> function_;
};

class Filter final : public Dataset::Source {
 public:
  Filter(Sources from, std::function<bool(const Batch&)> predicate)
      : from_(std::move(from)), predicate_(std::make_shared<const Predicate>(std::move(predicate))) {}

  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const override {
    return std::make_unique<Elements>(from_->elements(pass), predicate_);
  }
  std::optional<std::int64_t> cardinality() const override {
    return from_->cardinality() == 0 ? std::optional<std::int64_t>(0) : std::nullopt;
  }

 private:
  using Predicate = std::function<bool(const Batch&)>;
  struct Elements final : Dataset::Iterator {
    Elements(std::unique_ptr<Dataset::Iterator> upstream, std::shared_ptr<const Predicate> wanted)
        : from(std::move(upstream)), predicate(std::move(wanted)) {}
    bool next(Batch& element) override {
      while (from->next(element)) {
        if ((*predicate)(element)) return true;
      }
      return false;
    }
    std::unique_ptr<Dataset::Iterator> from;
    std::shared_ptr<const Predicate> predicate;
  };

  Sources from_;
  std::shared_ptr<const Predicate> predicate_;
};

class Zip final : public Dataset::Source {
 public:
  Zip(Sources a, Sources b) : a_(std::move(a)), b_(std::move(b)) {}

  std::unique_ptr<Dataset::Iterator> elements(const Pass& pass) const override {
    return std::make_unique<Elements>(a_->elements(pass.part(0)), b_->elements(pass.part(1)));
  }
  std::optional<std::int64_t> cardinality() const override {
    const auto a = a_->cardinality(), b = b_->cardinality();
    if (a == 0 || b == 0) return 0;
    if (!a || !b) return std::nullopt;
    if (*a < 0) return b;
    return *b < 0 ? a : std::min(a, b);
  }

 private:
  struct Elements final : Dataset::Iterator {
    Elements(std::unique_ptr<Dataset::Iterator> first, std::unique_ptr<Dataset::Iterator> second)
        : a(std::move(first)), b(std::move(second)) {}
    bool next(Batch& element) override {
      Batch of_a, of_b;
      if (!a->next(of_a) || !b->next(of_b)) return false;
      element = {std::move(of_a.x), std::move(of_b.x), {}};
      return true;
    }
    std::unique_ptr<Dataset::Iterator> a, b;
  };

  Sources a_, b_;
};

void require(bool holds, const char* what, const char* rule, std::int64_t got) {
  if (!holds) throw Error(std::string("Dataset::") + what + " must " + rule + ", got " + std::to_string(got));
}

}  // namespace

Dataset Dataset::from_tensor_slices(const Tensors& x, const Tensors& y, const Tensors& sample_weight) {
  return Dataset(detail::row_source(detail::rows_of_tensors(x, y, sample_weight)));
}

Dataset Dataset::from_generator(std::function<std::function<std::optional<Batch>()>()> make,
                                std::optional<std::int64_t> cardinality) {
  if (!make) throw Error("Dataset::from_generator: no function was given");
  return Dataset(std::make_shared<Generator>(std::move(make), cardinality));
}

Dataset Dataset::range(std::int64_t stop) {
  require(stop >= 0, "range: stop", "not be negative", stop);
  return Dataset(detail::row_source(detail::rows_of_range(stop)));
}

Dataset Dataset::zip(const Dataset& a, const Dataset& b) {
  return Dataset(std::make_shared<Zip>(a.source_, b.source_));
}

Dataset Dataset::map(std::function<Batch(const Batch&)> function) const {
  if (!function) throw Error("Dataset::map: no function was given");
  return Dataset(std::make_shared<Map>(source_, std::move(function)));
}

Dataset Dataset::filter(std::function<bool(const Batch&)> predicate) const {
  if (!predicate) throw Error("Dataset::filter: no function was given");
  return Dataset(std::make_shared<Filter>(source_, std::move(predicate)));
}

Dataset Dataset::shuffle(std::int64_t buffer_size, std::optional<std::uint64_t> seed,
                         bool reshuffle_each_iteration) const {
  require(buffer_size >= 1, "shuffle: buffer_size", "be at least 1", buffer_size);
  return Dataset(detail::shuffle_source(source_, buffer_size, seed, reshuffle_each_iteration));
}

Dataset Dataset::batch(int batch_size, bool drop_remainder) const {
  require(batch_size >= 1, "batch: batch_size", "be at least 1", batch_size);
  return Dataset(detail::batch_source(source_, batch_size, drop_remainder));
}

Dataset Dataset::repeat(std::int64_t count) const { return Dataset(detail::repeat_source(source_, count)); }

Dataset Dataset::take(std::int64_t count) const {
  require(count >= 0, "take: count", "not be negative", count);
  return Dataset(detail::take_source(source_, count));
}

Dataset Dataset::skip(std::int64_t count) const {
  require(count >= 0, "skip: count", "not be negative", count);
  return Dataset(detail::skip_source(source_, count));
}

Dataset Dataset::cache() const { return Dataset(detail::cache_source(source_)); }

Dataset Dataset::prefetch(int buffer_size) const {
  require(buffer_size >= 1, "prefetch: buffer_size", "be at least 1", buffer_size);
  return Dataset(detail::prefetch_source(source_, static_cast<std::size_t>(buffer_size)));
}

namespace {

/// The pipeline works on the CPU; what comes out of it goes to the default device.
struct Delivered final : Dataset::Iterator {
  explicit Delivered(std::unique_ptr<Dataset::Iterator> upstream) : from(std::move(upstream)) {}
  bool next(Batch& element) override {
    {
      const detail::HostScope host;
      if (!from->next(element)) return false;
    }
    const Device device = default_device();
    if (device.kind() != Device::Kind::cpu) {
      for (Tensors Batch::*part : {&Batch::x, &Batch::y, &Batch::sample_weight}) {
        element.*part = detail::upload(element.*part, device);
      }
    }
    return true;
  }
  std::unique_ptr<Dataset::Iterator> from;
};

}  // namespace

std::unique_ptr<Dataset::Iterator> Dataset::iterator() const {
  const philox::Stream stream = detail::next_stream();
  const detail::HostScope host;
  return std::make_unique<Delivered>(
      source_->elements({Pass{stream.key, 0}.part(stream.number).key, source_->begin_pass()}));
}

std::optional<std::int64_t> Dataset::cardinality() const { return source_->cardinality(); }

}  // namespace nyala
