#include "backend/cpu/onednn/weight_cache.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace nyala::backend::onednn {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20, most_entries = 256;

/// A number made of some of the values, which tells whether they are likely to be those of the last time.
std::uint64_t sample_of(const void* values, std::size_t bytes) {
  const auto* from = static_cast<const unsigned char*>(values);
  const std::size_t words = bytes / sizeof(std::uint32_t), step = std::max<std::size_t>(words / 64, 1);
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (std::size_t i = 0; i < words; i += step) {
    std::uint32_t word = 0;
    std::memcpy(&word, from + i * sizeof word, sizeof word);
    state = (state ^ word) * 0xff51afd7ed558ccd;
    state ^= state >> 32;
  }
  return state;
}

}  // namespace

WeightCache::Copy::Copy(const void* from, std::size_t bytes)
    : size_(bytes), memory_(std::aligned_alloc(64, (bytes + 63) / 64 * 64)) {
  if (memory_ == nullptr) throw std::bad_alloc();
  std::memcpy(memory_.get(), from, bytes);
}

WeightCache& WeightCache::instance() {
  static auto* const cache = new WeightCache;  // kernels may run until the very end of the program
  return *cache;
}

std::list<WeightCache::Entry>::iterator WeightCache::place_of(const Prepared* prepared, const void* kernel) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&](const Entry& entry) { return entry.prepared.get() == prepared && entry.kernel == kernel; });
}

WeightCache::Bytes WeightCache::find(const std::shared_ptr<const Prepared>& prepared, const void* kernel) {
  Bytes original, reordered;
  {
    const std::scoped_lock guard(lock_);
    const auto found = place_of(prepared.get(), kernel);
    if (found == entries_.end() || found->reordered == nullptr) return nullptr;
    entries_.splice(entries_.begin(), entries_, found);
    original = found->original;
    reordered = found->reordered;
  }
  return std::memcmp(original->data(), kernel, original->size()) == 0 ? reordered : nullptr;
}

void WeightCache::offer(std::shared_ptr<const Prepared> prepared, const void* kernel, const void* reordered) {
  const std::size_t size = prepared->user_weights.get_size(), reordered_size = prepared->weights.get_size();
  const std::uint64_t sample = sample_of(kernel, size);
  const std::scoped_lock guard(lock_);
  const auto found = place_of(prepared.get(), kernel);
  if (found == entries_.end()) {
    entries_.push_front({std::move(prepared), kernel, sample, nullptr, nullptr});
    while (entries_.size() > most_entries) drop_oldest();
    return;
  }
  entries_.splice(entries_.begin(), entries_, found);
  Entry& entry = entries_.front();
  const bool again = entry.sample == sample;
  entry.sample = sample;
  if (entry.reordered != nullptr) bytes_ -= entry.original->size() + entry.reordered->size();
  entry.original = entry.reordered = nullptr;
  if (!again || size + reordered_size > most_bytes) return;
  entry.original = std::make_shared<const Copy>(kernel, size);
  entry.reordered = std::make_shared<const Copy>(reordered, reordered_size);
  bytes_ += size + reordered_size;
  while (bytes_ > most_bytes) drop_oldest();
}

void WeightCache::drop_oldest() {
  const Entry& oldest = entries_.back();
  if (oldest.reordered != nullptr) bytes_ -= oldest.original->size() + oldest.reordered->size();
  entries_.pop_back();
}

}  // namespace nyala::backend::onednn
