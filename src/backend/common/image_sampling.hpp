#pragma once

#include <cmath>
#include <cstdint>

#include "backend/common/scalar_math.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// Images (sample, row, column, channel) of T at places given in C; written once for the CPU and the GPU.
template <class T, class C>
struct SampleImage {
  std::int64_t height, width, channels, places;  // places: of a sample
  ImageSampling sampling;
  const T* images;
  const C *rows, *columns;
  T* out;

  SampleImage(const Tensor& from, const Tensor& row, const Tensor& column, const ImageSampling& how, Tensor& to)
      : height(from.shape()[1]),
        width(from.shape()[2]),
        channels(from.shape()[3]),
        places(row.size() / from.shape()[0]),
        sampling(how),
        images(static_cast<const T*>(from.raw_data())),
        rows(static_cast<const C*>(row.raw_data())),
        columns(static_cast<const C*>(column.raw_data())),
        out(static_cast<T*>(to.raw_data())) {}

  /// One number of the result.
  constexpr void operator()(std::int64_t i) const { read(i / channels, i % channels, 1); }

  /// `count` channels from `first` on at a place.
  constexpr void read(std::int64_t place, std::int64_t first, std::int64_t count) const {
    const T* const image = images + place / places * height * width * channels + first;
    const C row = rows[place], column = columns[place];
    T* const to = out + place * channels + first;
    if (!sampling.bilinear) {
      const T* const cell = source(image, nearest(row), nearest(column));
      for (std::int64_t c = 0; c < count; ++c) to[c] = value(cell, c);
      return;
    }
    const C top = std::floor(row), left = std::floor(column);
    const T down = static_cast<T>(row - top), right = static_cast<T>(column - left);
    const T *const a = source(image, top, left), *const b = source(image, top, left + 1),
                   *const d = source(image, top + 1, left), *const e = source(image, top + 1, left + 1);
    for (std::int64_t c = 0; c < count; ++c) {
      const T above = value(a, c) * (1 - right) + value(b, c) * right;
      const T below = value(d, c) * (1 - right) + value(e, c) * right;
      to[c] = above * (1 - down) + below * down;
    }
  }

 private:
  /// As C's round: halves away from zero.
  static constexpr C nearest(C x) { return (x < 0 ? C(-1) : C(1)) * std::floor(std::abs(x) + C(0.5)); }
  static constexpr bool within(C index, std::int64_t size) { return index >= 0 && index <= static_cast<C>(size - 1); }
  /// A whole number mirrored at 0 and last.
  static constexpr C mirrored(C index, C last) {
    return last == 0 ? C(0) : std::abs(scalar::mod(index + last, 2 * last) - last);
  }

  constexpr std::int64_t inside(C index, std::int64_t size) const {
    if (!within(index, size)) {
      const C cells = static_cast<C>(size);
      if (sampling.fill == FillMode::wrap) index = scalar::mod(index, cells);
      if (sampling.fill == FillMode::mirror) index = mirrored(index, cells - 1);
      if (sampling.fill == FillMode::reflect) index = std::floor(mirrored(index * 2 + 1, 2 * cells) / 2);
    }
    if (within(index, size)) return static_cast<std::int64_t>(index);
    return index > 0 ? size - 1 : 0;  // NaN too
  }

  /// Null: the fill value.
  constexpr const T* source(const T* image, C row, C column) const {
    if (sampling.fill == FillMode::constant && !(within(row, height) && within(column, width))) return nullptr;
    return image + (inside(row, height) * width + inside(column, width)) * channels;
  }
  constexpr T value(const T* cell, std::int64_t c) const {
    return cell == nullptr ? static_cast<T>(sampling.fill_value) : cell[c];
  }
};

/// fn(SampleImage) for the dtypes of images and places; false where they are others.
template <class F>
bool with_sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns, const ImageSampling& sampling,
                       Tensor& out, F&& fn) {
  const auto known = [](DType dtype) { return dtype == DType::float32 || dtype == DType::float64; };
  if (!known(images.dtype()) || !known(rows.dtype())) return false;
  const bool wide = images.dtype() == DType::float64, wide_places = rows.dtype() == DType::float64;
  if (wide)
    wide_places ? fn(SampleImage<double, double>(images, rows, columns, sampling, out))
                : fn(SampleImage<double, float>(images, rows, columns, sampling, out));
  else
    wide_places ? fn(SampleImage<float, double>(images, rows, columns, sampling, out))
                : fn(SampleImage<float, float>(images, rows, columns, sampling, out));
  return true;
}

}  // namespace nyala::backend
