#pragma once

#include <cstdint>
#include <functional>

// oneDNN's primitives, called directly on one thread and in the layouts that suit them best: the seconds of each.

namespace roofline {

/// The shortest of ten runs, after two that do not count.
double seconds(const std::function<void()>& work);

/// float32 (m, k) times (k, n).
double product(std::int64_t m, std::int64_t n, std::int64_t k);

struct Convolution {
  std::int64_t batch, size, in, out, window, stride;  // images of size x size, padding "same"
  bool first = false;                                 // no gradient of its input is needed
};
/// Forward and its gradients.
double convolution(const Convolution& c);

/// In training, with its gradient: over the channels of (batch, size, size, channels), with ReLU fused where asked for.
double batch_norm(std::int64_t batch, std::int64_t size, std::int64_t channels, bool relu);
/// In training, with its gradient: over rows of `columns` numbers.
double layer_norm(std::int64_t rows, std::int64_t columns);
/// With its gradient.
double gelu(std::int64_t elements);
double softmax(std::int64_t rows, std::int64_t columns);

/// The optimizer's pass over its weights, which reads 4 and writes 3 numbers for each: as many bytes by memcpy.
double sweep(std::int64_t weights);

}  // namespace roofline
