#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "backend/cpu/onednn/primitives.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend::onednn {

/// One convolution: what its primitives depend on. Axes beyond `rank` are 1.
struct Convolution {
  DType dtype = DType::float32;  // or bfloat16: sums and the gradient of the kernel are float32 inside
  std::int64_t rank = 2, batch = 0, in_channels = 0, out_channels = 0, groups = 1, has_bias = 0, activation = 0;
  std::array<std::int64_t, 3> in{1, 1, 1}, out{1, 1, 1}, size{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1},
      pad_before{0, 0, 0}, pad_after{0, 0, 0};

  Convolution(DType type, const Shape& x, const Shape& kernel, const Shape& y, const Window& window);

  std::int64_t in_elements() const { return in[0] * in[1] * in[2] * in_channels; }  // of a sample
  std::int64_t out_elements() const { return out[0] * out[1] * out[2] * out_channels; }
  /// Multiplications of a sample.
  std::int64_t work() const { return out_elements() * size[0] * size[1] * size[2] * (in_channels / groups); }
};

/// A part of a convolution, with the first elements of its input and output.
struct Piece {
  Convolution part;
  std::int64_t x, y;
};

/// The cut of a convolution for the pool, a function of its shape: samples go to at most `most` pieces; with `rows`,
/// the output rows of a single sample do.
std::vector<Piece> cut(const Convolution& whole, std::int64_t most, bool rows);

enum class Direction { forward, backward_data, backward_filter };

/// Whether oneDNN's primitive may be believed: 2.6's of some shapes give wrong results, or write beyond their memory.
bool sound(Direction direction, const Convolution& c);

/// The primitive of a convolution. Its weights have the layout that suits it best or, with a `model`, the layout that
/// suits that one.
std::shared_ptr<const Prepared> prepare(Direction direction, const Convolution& c, const Convolution* model);

}  // namespace nyala::backend::onednn
