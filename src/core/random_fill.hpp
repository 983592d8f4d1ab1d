#pragma once

#include <cstddef>
#include <cstdint>

#include "core/philox.hpp"

// Element i of a stream is the same however the work is cut: to fill a part, pass its first element as `offset`.

namespace nyala::philox {

/// Element i: word i of the stream.
void fill_uniform_bits(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t offset = 0);

/// Uniform in [low, high), from 24 (float) or 53 (double) bits an element.
void fill_uniform(float* out, std::size_t count, Stream stream, std::uint64_t offset = 0, float low = 0,
                  float high = 1);
void fill_uniform(double* out, std::size_t count, Stream stream, std::uint64_t offset = 0, double low = 0,
                  double high = 1);

/// Normal, by Box and Muller's transformation.
void fill_normal(float* out, std::size_t count, Stream stream, std::uint64_t offset = 0, float mean = 0,
                 float deviation = 1);
void fill_normal(double* out, std::size_t count, Stream stream, std::uint64_t offset = 0, double mean = 0,
                 double deviation = 1);

/// Normal; values beyond two deviations from the mean are drawn again.
void fill_truncated_normal(float* out, std::size_t count, Stream stream, std::uint64_t offset = 0, float mean = 0,
                           float deviation = 1);
void fill_truncated_normal(double* out, std::size_t count, Stream stream, std::uint64_t offset = 0, double mean = 0,
                           double deviation = 1);

/// Whole numbers in [low, high), each as likely as another to within 2^-32. Throws Error unless low < high.
void fill_integers(std::int64_t* out, std::size_t count, Stream stream, std::uint64_t offset, std::int64_t low,
                   std::int64_t high);

/// 1 with that probability, else 0.
void fill_bernoulli(std::uint8_t* out, std::size_t count, Stream stream, std::uint64_t offset, double probability);

/// The numbers 0 to count - 1 in random order (Fisher and Yates' shuffle), the same as either type; they must fit it.
void fill_permutation(std::int32_t* out, std::size_t count, Stream stream);
void fill_permutation(std::int64_t* out, std::size_t count, Stream stream);

}  // namespace nyala::philox
