#pragma once

#include <cstdint>

#include <nyala/random.hpp>

#include "core/philox.hpp"

namespace nyala::detail {

/// Where the process' own random numbers stand: the seed, and how many streams were handed out. For checkpoints.
struct RandomState {
  std::uint64_t seed = 0, streams = 0;
  bool operator==(const RandomState&) const = default;
};

RandomState random_state();
void set_random_state(RandomState state);

/// A stream that nobody else has, the next under the process' seed; any thread may call. Without set_random_seed the
/// seed is drawn from the system at first use.
philox::Stream next_stream();

/// The stream of one draw of a SeedGenerator; none of next_stream()'s, also under the same seed.
philox::Stream stream_of(SeedGenerator::State state);

}  // namespace nyala::detail
