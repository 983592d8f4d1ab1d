#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

namespace nyala::backend::cuda {

/// The plain numbers that tell one plan from another.
using PlanKey = std::vector<std::int64_t>;

/// At most `capacity` values; the one unused for longest goes first. Not for several threads at a time.
template <class Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  /// The value of a key, made by make() when there is none. Valid until the next call.
  template <class Make>
  Value& get(const PlanKey& key, Make&& make) {
    if (const auto found = places_.find(key); found != places_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return entries_.front().second;
    }
    entries_.emplace_front(key, make());
    places_.emplace(key, entries_.begin());
    if (entries_.size() > capacity_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }
  std::size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<PlanKey, Value>>;

  std::size_t capacity_;
  Entries entries_;
  std::map<PlanKey, typename Entries::iterator> places_;
};

}  // namespace nyala::backend::cuda
