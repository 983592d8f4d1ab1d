#include <algorithm>
#include <cstdint>
#include <vector>

#include "backend/common/blend.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"

namespace nyala::backend {
namespace {

/// Bilinear interpolation of pictures (sample, row, column, channel), one axis after the other.
struct PictureBlends {
  std::int64_t samples, channels, in_row, out_row;  // the latter two: elements
  std::vector<Blend> down, right;

  PictureBlends(const Shape& in, const Shape& out)
      : samples(in[0]), channels(in[3]), in_row(in[2] * in[3]), out_row(out[2] * out[3]) {
    for (std::int64_t row = 0; row < out[1]; ++row) down.emplace_back(row, in[1], out[1]);
    for (std::int64_t column = 0; column < out[2]; ++column) right.emplace_back(column, in[2], out[2]);
  }

  std::int64_t rows() const { return static_cast<std::int64_t>(down.size()); }

  /// fn(cell of the result, its two sources, their weights) along a row; places in elements.
  template <class F>
  void for_columns(F&& fn) const {
    std::int64_t to = 0;
    for (const Blend& blend : right) {
      const auto weight = static_cast<float>(blend.weight);
      fn(to, blend.first * channels, blend.second * channels, 1.0F - weight, weight);
      to += channels;
    }
  }
};

}  // namespace

void SimdKernels::resize_bilinear(const Tensor& x, Tensor& out) {
  if (!all_float32(x, out)) return ReferenceKernels::resize_bilinear(x, out);
  const PictureBlends blends(x.shape(), out.shape());
  const std::int64_t rows = blends.rows(), n = blends.in_row, channels = blends.channels, in_rows = x.shape()[1];
  detail::parallel_for(0, blends.samples * rows, rows_grain(blends.out_row), [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch(float_bytes(n));
    float* const row = static_cast<float*>(scratch.get());
    for (std::int64_t i = begin; i < end; ++i) {
      const Blend& down = blends.down[static_cast<std::size_t>(i % rows)];
      const float* const picture = floats(x) + i / rows * in_rows * n;
      std::copy_n(picture + down.first * n, n, row);
      if (down.weight != 0) {
        table_.scale(static_cast<float>(1 - down.weight), row, n);
        table_.add_scaled(static_cast<float>(down.weight), picture + down.second * n, row, n);
      }
      float* const to = floats(out) + i * blends.out_row;
      blends.for_columns([&](std::int64_t cell, std::int64_t first, std::int64_t second, float near, float far) {
        const float *a = row + first, *b = row + second;
        if (far == 0)
          std::copy_n(a, channels, to + cell);  // b may be infinite
        else
          for (std::int64_t c = 0; c < channels; ++c) to[cell + c] = near * a[c] + far * b[c];
      });
    }
  });
}

void SimdKernels::resize_bilinear_backward(const Tensor& gradient, Tensor& dx) {
  if (!all_float32(gradient, dx)) return ReferenceKernels::resize_bilinear_backward(gradient, dx);
  const PictureBlends blends(dx.shape(), gradient.shape());
  const std::int64_t rows = blends.rows(), n = blends.in_row, channels = blends.channels, picture = dx.shape()[1] * n;
  // A row of dx takes from several rows of the gradient: a picture is one thread's.
  detail::parallel_for(0, blends.samples, rows_grain(picture), [&](std::int64_t begin, std::int64_t end) {
    const Scratch scratch(float_bytes(n));
    float* const row = static_cast<float*>(scratch.get());
    std::fill(floats(dx) + begin * picture, floats(dx) + end * picture, 0.0F);
    for (std::int64_t i = begin * rows; i < end * rows; ++i) {
      std::fill_n(row, n, 0.0F);
      const float* const from = floats(gradient) + i * blends.out_row;
      blends.for_columns([&](std::int64_t cell, std::int64_t first, std::int64_t second, float near, float far) {
        for (std::int64_t c = 0; c < channels; ++c) row[first + c] += near * from[cell + c];
        if (far == 0) return;
        for (std::int64_t c = 0; c < channels; ++c) row[second + c] += far * from[cell + c];
      });
      const Blend& down = blends.down[static_cast<std::size_t>(i % rows)];
      float* const to = floats(dx) + i / rows * picture;
      table_.add_scaled(static_cast<float>(1 - down.weight), row, to + down.first * n, n);
      if (down.weight != 0) table_.add_scaled(static_cast<float>(down.weight), row, to + down.second * n, n);
    }
  });
}

}  // namespace nyala::backend
