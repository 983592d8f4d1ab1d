#pragma once

#include <nyala/random.hpp>
#include <nyala/tensor.hpp>

#include "core/philox.hpp"

namespace nyala::ops {

/// The next stream of a seed generator, or of the global one.
philox::Stream next_stream(SeedGenerator* seed);
/// x with its elements dropped by the stream's mask of x's shape: linear in x, and its own gradient.
Tensor dropped(const Tensor& x, double rate, philox::Stream stream);

}  // namespace nyala::ops
