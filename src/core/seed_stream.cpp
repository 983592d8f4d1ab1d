#include "core/seed_stream.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <random>

#include "core/random_fill.hpp"

namespace nyala::detail {
namespace {

struct Process {
  std::mutex mutex;
  std::optional<RandomState> state;

  RandomState& seeded() {
    if (!state) {
      std::random_device entropy;
      state = RandomState{std::uint64_t{entropy()} << 32 | entropy(), 0};
    }
    return *state;
  }
};

Process& process() {
  static auto* const only = new Process;
  return *only;
}

// Neighbouring seeds and the two uses of a seed get keys that have nothing in common.
std::uint64_t key_of(std::uint64_t seed, std::uint64_t use) {
  const philox::Block mixed = philox::block({0x6E79616C61, use}, seed);
  return std::uint64_t{mixed[1]} << 32 | mixed[0];
}

}  // namespace

RandomState random_state() {
  const std::scoped_lock guard(process().mutex);
  return process().seeded();
}

void set_random_state(RandomState state) {
  const std::scoped_lock guard(process().mutex);
  process().state = state;
}

philox::Stream next_stream() {
  const std::scoped_lock guard(process().mutex);
  RandomState& state = process().seeded();
  return {key_of(state.seed, 0), state.streams++};
}

philox::Stream stream_of(SeedGenerator::State state) { return {key_of(state.seed, 1), state.counter}; }

}  // namespace nyala::detail

namespace nyala {
namespace {

// As Keras: from 1 to 10^9.
std::uint64_t default_seed() {
  std::int64_t seed = 0;
  philox::fill_integers(&seed, 1, detail::next_stream(), 0, 1, 1'000'000'001);
  return static_cast<std::uint64_t>(seed);
}

}  // namespace

void set_random_seed(std::uint64_t seed) { detail::set_random_state({seed, 0}); }

SeedGenerator::SeedGenerator() : SeedGenerator(std::nullopt) {}

SeedGenerator::SeedGenerator(std::optional<std::uint64_t> seed)
    : state_(std::make_shared<State>(State{seed ? *seed : default_seed(), 0})) {}

SeedGenerator::State SeedGenerator::state() const {
  return {std::atomic_ref(state_->seed).load(), std::atomic_ref(state_->counter).load()};
}

void SeedGenerator::set_state(State state) {
  std::atomic_ref(state_->seed).store(state.seed);
  std::atomic_ref(state_->counter).store(state.counter);
}

SeedGenerator::State SeedGenerator::next() {
  return {std::atomic_ref(state_->seed).load(), std::atomic_ref(state_->counter).fetch_add(1)};
}

}  // namespace nyala
