#pragma once

#include <cstdint>
#include <optional>

#include <nyala/random.hpp>

namespace nyala {

/// The stream of a layer's `seed` argument; without one it is derived from set_random_seed's.
inline SeedGenerator seed_generator(const std::optional<std::int64_t>& seed) {
  return SeedGenerator(seed ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*seed)) : std::nullopt);
}

}  // namespace nyala
