#include "core/weight_forms.hpp"

#include <algorithm>
#include <mutex>

namespace nyala::detail {
namespace {

std::atomic<std::size_t> all_bytes = 0;

}  // namespace

std::shared_ptr<const void> WeightForms::find(const Key& key) {
  const std::scoped_lock guard(lock_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.key == key; });
  return found == entries_.end() ? nullptr : found->form;
}

void WeightForms::keep(Entry entry, std::uint64_t closings) {
  if (all_bytes.fetch_add(entry.bytes) + entry.bytes > most_bytes) {
    all_bytes.fetch_sub(entry.bytes);
    return;
  }
  const std::scoped_lock guard(lock_);
  if (closings_.load() != closings) {
    all_bytes.fetch_sub(entry.bytes);
    return;
  }
  if (entries_.size() == most_forms) {
    all_bytes.fetch_sub(entries_.front().bytes);
    entries_.erase(entries_.begin());
  }
  entries_.push_back(std::move(entry));
}

void WeightForms::clear() {
  const std::scoped_lock guard(lock_);
  for (const Entry& each : entries_) all_bytes.fetch_sub(each.bytes);
  entries_.clear();
}

void open_forms(Storage& storage) {
  WeightForms* forms = storage.forms.load(std::memory_order_acquire);
  if (forms == nullptr) {
    static SpinLock making;
    const std::scoped_lock guard(making);
    forms = storage.forms.load(std::memory_order_acquire);
    if (forms == nullptr) {
      forms = std::construct_at(PoolAllocator<WeightForms>().allocate(1));
      storage.forms.store(forms, std::memory_order_release);
    }
  }
  forms->open();
}

void destroy(WeightForms* forms) {
  std::destroy_at(forms);
  PoolAllocator<WeightForms>().deallocate(forms, 1);
}

}  // namespace nyala::detail
