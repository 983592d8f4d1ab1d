// The stages that change which elements come when.
#include <algorithm>
#include <mutex>
#include <vector>

#include "core/seed_stream.hpp"
#include "data/source.hpp"

namespace nyala::detail {
namespace {

template <class T>
struct TakeStream final : Stream<T> {
  TakeStream(std::unique_ptr<Stream<T>> upstream, std::int64_t count) : from(std::move(upstream)), left(count) {}
  bool next(T& element) override {
    if (left == 0 || !from->next(element)) return false;
    --left;
    return true;
  }
  std::unique_ptr<Stream<T>> from;
  std::int64_t left;
};

class Take final : public OrderStage<Take> {
 public:
  Take(Sources from, std::int64_t count) : OrderStage(std::move(from)), count_(count) {}
  template <class T>
  std::unique_ptr<Stream<T>> begin(const Pass& pass) const {
    return std::make_unique<TakeStream<T>>(open<T>(from(), pass), count_);
  }
  std::optional<std::int64_t> cardinality() const override {
    if (count_ == 0) return 0;
    const auto count = from().cardinality();
    if (!count) return std::nullopt;
    return *count < 0 ? count_ : std::min(*count, count_);
  }

 private:
  std::int64_t count_;
};

template <class T>
struct SkipStream final : Stream<T> {
  SkipStream(std::unique_ptr<Stream<T>> upstream, std::int64_t count) : from(std::move(upstream)), left(count) {}
  bool next(T& element) override {
    for (; left > 0; --left) {
      if (!from->next(element)) {
        left = 0;
        return false;
      }
    }
    return from->next(element);
  }
  std::unique_ptr<Stream<T>> from;
  std::int64_t left;
};

class Skip final : public OrderStage<Skip> {
 public:
  Skip(Sources from, std::int64_t count) : OrderStage(std::move(from)), count_(count) {}
  template <class T>
  std::unique_ptr<Stream<T>> begin(const Pass& pass) const {
    return std::make_unique<SkipStream<T>>(open<T>(from(), pass), count_);
  }
  std::optional<std::int64_t> cardinality() const override {
    const auto count = from().cardinality();
    if (!count || *count < 0) return count;
    return std::max<std::int64_t>(0, *count - count_);
  }

 private:
  std::int64_t count_;
};

class Repeat final : public OrderStage<Repeat> {
 public:
  Repeat(Sources from, std::int64_t count) : OrderStage(from), again_(std::move(from)), count_(count) {}
  template <class T>
  std::unique_ptr<Stream<T>> begin(const Pass& pass) const {
    return std::make_unique<Passes<T>>(again_, count_, pass);
  }
  std::optional<std::int64_t> cardinality() const override {
    const auto count = from().cardinality();
    if (count_ == 0 || count == 0) return 0;
    if (!count) return std::nullopt;
    return count_ < 0 || *count < 0 ? -1 : *count * count_;
  }

 private:
  template <class T>
  struct Passes final : Stream<T> {
    Passes(Sources source, std::int64_t count, const Pass& whole)
        : from(std::move(source)), times(count), pass(whole) {}
    bool next(T& element) override {
      while (times < 0 || done < times) {
        if (current == nullptr) {
          current = open<T>(*from, pass.part(static_cast<std::uint64_t>(done)));
          found = false;
        }
        if (current->next(element)) return found = true;
        current = nullptr;
        ++done;
        if (!found) times = done;  // an empty pass: repeating it would never end
      }
      return false;
    }
    Sources from;
    std::int64_t times, done = 0;
    Pass pass;
    std::unique_ptr<Stream<T>> current;
    bool found = false;
  };

  Sources again_;
  std::int64_t count_;
};

template <class T>
struct ShuffleStream final : Stream<T> {
  ShuffleStream(std::unique_ptr<Stream<T>> upstream, std::int64_t buffer_size, philox::Stream stream)
      : from(std::move(upstream)), size(static_cast<std::size_t>(buffer_size)), draws(stream) {}

  bool next(T& element) override {
    T arrived;
    while (from != nullptr && buffer.size() < size) {
      if (from->next(arrived))
        buffer.push_back(std::move(arrived));
      else
        from = nullptr;
    }
    if (buffer.empty()) return false;
    T& drawn = buffer[static_cast<std::size_t>(draws.below(static_cast<std::int64_t>(buffer.size())))];
    element = std::move(drawn);
    drawn = std::move(buffer.back());
    buffer.pop_back();
    return true;
  }

  std::unique_ptr<Stream<T>> from;
  std::size_t size;
  std::vector<T> buffer;
  Draws draws;
};

class Shuffle final : public OrderStage<Shuffle> {
 public:
  Shuffle(Sources from, std::int64_t buffer_size, std::optional<std::uint64_t> seed, bool reshuffle)
      : OrderStage(std::move(from)), buffer_size_(buffer_size), seed_(seed), reshuffle_(reshuffle) {
    if (!reshuffle && !seed_) {
      const philox::Stream stream = next_stream();
      seed_ = Pass{stream.key, 0}.part(stream.number).key;
    }
  }
  template <class T>
  std::unique_ptr<Stream<T>> begin(const Pass& pass) const {
    const Pass own = pass.part(0);
    const philox::Stream stream = !seed_       ? philox::Stream{own.key, 0}
                                  : reshuffle_ ? philox::Stream{*seed_, own.number}
                                               : philox::Stream{*seed_, 0};
    return std::make_unique<ShuffleStream<T>>(open<T>(from(), pass.part(1)), buffer_size_, stream);
  }
  std::optional<std::int64_t> cardinality() const override { return from().cardinality(); }

 private:
  std::int64_t buffer_size_;
  std::optional<std::uint64_t> seed_;
  bool reshuffle_;
};

/// What the first complete pass yielded.
template <class T>
struct Kept {
  std::mutex mutex;
  std::shared_ptr<const std::vector<T>> elements;

  std::shared_ptr<const std::vector<T>> get() {
    const std::scoped_lock guard(mutex);
    return elements;
  }
  void set(std::vector<T> complete) {
    const std::scoped_lock guard(mutex);
    if (elements == nullptr) elements = std::make_shared<const std::vector<T>>(std::move(complete));
  }
};

template <class T>
struct ReplayStream final : Stream<T> {
  explicit ReplayStream(std::shared_ptr<const std::vector<T>> kept) : elements(std::move(kept)) {}
  bool next(T& element) override {
    if (at == elements->size()) return false;
    element = (*elements)[at++];
    return true;
  }
  std::shared_ptr<const std::vector<T>> elements;
  std::size_t at = 0;
};

template <class T>
struct KeepStream final : Stream<T> {
  KeepStream(std::unique_ptr<Stream<T>> upstream, std::shared_ptr<Kept<T>> place)
      : from(std::move(upstream)), kept(std::move(place)) {}
  bool next(T& element) override {
    if (from == nullptr) return false;
    if (from->next(element)) {
      elements.push_back(element);
      return true;
    }
    from = nullptr;
    kept->set(std::move(elements));
    return false;
  }
  std::unique_ptr<Stream<T>> from;
  std::shared_ptr<Kept<T>> kept;
  std::vector<T> elements;
};

class Cache final : public OrderStage<Cache> {
 public:
  using OrderStage::OrderStage;
  template <class T>
  std::unique_ptr<Stream<T>> begin(const Pass& pass) const {
    const std::shared_ptr<Kept<T>>& kept = std::get<std::shared_ptr<Kept<T>>>(kept_);
    if (auto elements = kept->get()) return std::make_unique<ReplayStream<T>>(std::move(elements));
    return std::make_unique<KeepStream<T>>(open<T>(from(), pass), kept);
  }
  std::optional<std::int64_t> cardinality() const override { return from().cardinality(); }

 private:
  std::tuple<std::shared_ptr<Kept<Batch>>, std::shared_ptr<Kept<std::int64_t>>> kept_{
      std::make_shared<Kept<Batch>>(), std::make_shared<Kept<std::int64_t>>()};
};

}  // namespace

Sources take_source(Sources from, std::int64_t count) { return std::make_shared<Take>(std::move(from), count); }
Sources skip_source(Sources from, std::int64_t count) { return std::make_shared<Skip>(std::move(from), count); }
Sources repeat_source(Sources from, std::int64_t count) { return std::make_shared<Repeat>(std::move(from), count); }
Sources cache_source(Sources from) { return std::make_shared<Cache>(std::move(from)); }

Sources shuffle_source(Sources from, std::int64_t buffer_size, std::optional<std::uint64_t> seed, bool reshuffle) {
  return std::make_shared<Shuffle>(std::move(from), buffer_size, seed, reshuffle);
}

}  // namespace nyala::detail
