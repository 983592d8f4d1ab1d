#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <nyala/tensor.hpp>

namespace nyala {

/// Starts every random stream of this process anew: initial weights, shuffling, dropout, random::*. The same seed gives
/// the same run whatever the number of threads.
void set_random_seed(std::uint64_t seed);

/// A stream of its own: {seed, number of draws so far}; copies share the state. Without a seed it derives one from
/// set_random_seed's. https://keras.io/api/random/seed_generator/
class SeedGenerator {
 public:
  SeedGenerator();
  explicit SeedGenerator(std::optional<std::uint64_t> seed);
  struct State {
    std::uint64_t seed = 0, counter = 0;
  };
  State state() const;
  void set_state(State state);
  /// The state, and the counter moved on by one.
  State next();

 private:
  std::shared_ptr<State> state_;
};

namespace random {

// Values come from Philox 4x32-10 (Salmon et al. 2011). Without a generator: the process' own stream.
Tensor normal(const Shape& shape, double mean = 0.0, double stddev = 1.0, DType dtype = floatx());
Tensor normal(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator& seed);
/// Normal, values beyond two standard deviations drawn again.
Tensor truncated_normal(const Shape& shape, double mean = 0.0, double stddev = 1.0, DType dtype = floatx());
Tensor truncated_normal(const Shape& shape, double mean, double stddev, DType dtype, SeedGenerator& seed);
Tensor uniform(const Shape& shape, double minval = 0.0, double maxval = 1.0, DType dtype = floatx());
Tensor uniform(const Shape& shape, double minval, double maxval, DType dtype, SeedGenerator& seed);
/// Whole numbers in [minval, maxval).
Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype = DType::int32);
Tensor randint(const Shape& shape, std::int64_t minval, std::int64_t maxval, DType dtype, SeedGenerator& seed);
/// Class numbers (batch, num_samples) drawn from logits (batch, classes).
Tensor categorical(const Tensor& logits, std::int64_t num_samples, DType dtype = DType::int32);
/// x permuted along an axis.
Tensor shuffle(const Tensor& x, int axis = 0);
/// Keeps values with probability 1 - rate, scaled by 1 / (1 - rate); noise_shape: sizes (None: x's) that the mask has.
Tensor dropout(const Tensor& x, double rate, const Shape& noise_shape = {});
Tensor dropout(const Tensor& x, double rate, const Shape& noise_shape, SeedGenerator& seed);

}  // namespace random

}  // namespace nyala
