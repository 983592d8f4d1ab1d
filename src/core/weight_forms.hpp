#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/pool_allocator.hpp"
#include "core/spin_lock.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::detail {

/// What kernels have made of a weight to read it faster (Winograd's transform, another layout, parts for the tile
/// unit), kept while the weight stays as it is. Variables open it where nothing is differentiated, and whatever changes
/// a weight closes it. From any thread.
class WeightForms {
 public:
  /// All forms of all weights may take that much; what is beyond is made anew in each call.
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;

  /// Of one weight; a new one takes the place of the oldest.
  static constexpr std::size_t most_forms = 6;

  /// `kind`: the address of something that stands for this way to make it, as long as the form lives; `number`: what
  /// else it depends on.
  struct Key {
    const void* kind;
    std::int64_t number;
    bool operator==(const Key&) const = default;
  };

  WeightForms() = default;
  ~WeightForms() { clear(); }
  WeightForms(const WeightForms&) = delete;
  WeightForms& operator=(const WeightForms&) = delete;

  bool is_open() const { return open_.load(std::memory_order_relaxed); }
  void open() { open_.store(true, std::memory_order_relaxed); }
  void close() {
    if (!open_.exchange(false)) return;
    closings_.fetch_add(1);
    clear();
  }

  /// The form of that key, made by make() -> std::shared_ptr<const Form> if there is none. Form::bytes(): its size.
  template <class Form, class Make>
  std::shared_ptr<const Form> get(const Key& key, Make&& make) {
    const std::uint64_t closings = closings_.load();
    if (!is_open()) return make();
    if (std::shared_ptr<const void> known = find(key)) return std::static_pointer_cast<const Form>(std::move(known));
    std::shared_ptr<const Form> made = make();
    keep({key, made, made->bytes()}, closings);
    return made;
  }

 private:
  struct Entry {
    Key key;
    std::shared_ptr<const void> form;
    std::size_t bytes;
  };

  std::shared_ptr<const void> find(const Key& key);
  /// Unless the weight was closed since it had been so often.
  void keep(Entry entry, std::uint64_t closings);
  void clear();

  std::atomic<bool> open_ = false;
  std::atomic<std::uint64_t> closings_ = 0;
  SpinLock lock_;
  std::vector<Entry, PoolAllocator<Entry>> entries_;
};

/// A shared object in memory of the pool.
template <class T, class... Arguments>
std::shared_ptr<T> make_pooled(Arguments&&... arguments) {
  return std::allocate_shared<T>(PoolAllocator<T>(), std::forward<Arguments>(arguments)...);
}

/// Where forms of a tensor's values are kept; null if they are not.
inline WeightForms* kept_forms(const Tensor& weight) {
  const TensorImpl& impl = *weight.impl();
  const Storage& storage = *impl.storage;
  WeightForms* const forms = storage.forms.load(std::memory_order_acquire);
  const bool kept = forms != nullptr && forms->is_open() && !storage.lent.load(std::memory_order_relaxed);
  return kept && impl.offset == 0 ? forms : nullptr;
}

/// The form of a weight's tensor: one that is kept, or made now.
template <class Form, class Make>
std::shared_ptr<const Form> form_of(const Tensor& weight, WeightForms::Key key, Make&& make) {
  WeightForms* const forms = kept_forms(weight);
  return forms != nullptr ? forms->get<Form>(key, std::forward<Make>(make)) : make();
}

/// From now on kernels may keep forms of that storage's values.
void open_forms(Storage& storage);
/// The values are about to change.
inline void close_forms(Storage& storage) {
  if (WeightForms* const forms = storage.forms.load(std::memory_order_acquire)) forms->close();
}

}  // namespace nyala::detail
