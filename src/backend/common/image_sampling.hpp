#pragma once

#include <cmath>
#include <cstdint>

#include "backend/common/scalar_math.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend {

/// A whole position brought into an axis of so many cells, in SciPy's ways; positions that stay outside take the
/// nearest cell, or the fill value. P: a number, or a Tensor of them.
template <class P, class N>
constexpr P brought_in(P index, N cells, FillMode fill) {
  using scalar::mod;
  using std::abs;
  using std::floor;
  const auto mirrored = [](P at, N last) {  // at 0 and last
    return last == 0 ? P(at * last) : P(abs(mod(at + last, P(2 * last)) - last));
  };
  if (fill == FillMode::wrap) return mod(index, P(cells));
  if (fill == FillMode::mirror) return mirrored(index, cells - 1);
  if (fill == FillMode::reflect) return floor(mirrored(index * N(2) + N(1), 2 * cells) / N(2));
  return index;
}

/// Where results read images (sample, row, column, channel) of T, at places given in C; written once for the CPU and
/// the GPU. A place reads four cells, of which the corners are numbered row by row, or, where the nearest is read, one.
template <class T, class C>
struct SampledPlaces {
  std::int64_t height, width, channels, places;  // places: of a sample
  ImageSampling sampling;
  const C *rows, *columns;

  /// The first of the cells, and how far the place is behind it.
  struct Start {
    C top, left;
    T down, right;
  };

  SampledPlaces(const Shape& images, const Tensor& row, const Tensor& column, const ImageSampling& how)
      : height(images[1]),
        width(images[2]),
        channels(images[3]),
        places(row.size() / images[0]),
        sampling(how),
        rows(static_cast<const C*>(row.raw_data())),
        columns(static_cast<const C*>(column.raw_data())) {}

  constexpr int corners() const { return sampling.bilinear ? 4 : 1; }
  /// Of the sample that the place reads: where its first number lies.
  constexpr std::int64_t image_of(std::int64_t place) const { return place / places * height * width * channels; }

  constexpr Start start(std::int64_t place) const {
    const C row = rows[place], column = columns[place];
    if (!sampling.bilinear) return {nearest(row), nearest(column), T(0), T(0)};
    const C top = std::floor(row), left = std::floor(column);
    return {top, left, static_cast<T>(row - top), static_cast<T>(column - left)};
  }
  /// The cell's place in the sample; -1: the fill value stands for it.
  constexpr std::int64_t cell(C row, C column) const {
    if (sampling.fill == FillMode::constant && !(within(row, height) && within(column, width))) return -1;
    return inside(row, height) * width + inside(column, width);
  }
  constexpr std::int64_t cell(const Start& from, int corner) const {
    return cell(corner < 2 ? from.top : from.top + 1, corner % 2 == 0 ? from.left : from.left + 1);
  }
  /// What a corner weighs: a result is the sum of the cells times their weights, a gradient goes back by the same.
  constexpr T corner_weight(const Start& from, int corner) const {
    return row_weight(from, corner / 2) * column_weight(from, corner % 2);
  }
  /// What the first and the second row, or column, weigh.
  constexpr T row_weight(const Start& from, int which) const { return weight(from.down, which, sampling.row_order); }
  constexpr T column_weight(const Start& from, int which) const {
    return weight(from.right, which, sampling.column_order);
  }

 private:
  /// As C's round: halves away from zero.
  static constexpr C nearest(C x) { return (x < 0 ? C(-1) : C(1)) * std::floor(std::abs(x) + C(0.5)); }
  static constexpr bool within(C index, std::int64_t size) { return index >= 0 && index <= static_cast<C>(size - 1); }
  static constexpr T weight(T behind, int which, int order) {
    if (order > 0) return which == 0 ? T(-1) : T(1);
    return which == 0 ? 1 - behind : behind;
  }

  constexpr std::int64_t inside(C index, std::int64_t size) const {
    if (!within(index, size)) index = brought_in(index, static_cast<C>(size), sampling.fill);
    if (within(index, size)) return static_cast<std::int64_t>(index);
    return index > 0 ? size - 1 : 0;  // NaN too
  }
};

/// out = images at the places.
template <class T, class C>
struct SampleImage {
  SampledPlaces<T, C> from;
  const T* images;
  T* out;

  /// One number of the result: a row at a time, to need few registers.
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t place = i / from.channels;
    const auto start = from.start(place);
    const T* const image = images + from.image_of(place) + i % from.channels;
    if (!from.sampling.bilinear) {
      out[i] = value(cell(image, start.top, start.left), 0);
      return;
    }
    const T left = from.column_weight(start, 0), right = from.column_weight(start, 1);
    const T above = row(image, start, 0).at(0, left, right, *this) * from.row_weight(start, 0);
    out[i] = above + row(image, start, 1).at(0, left, right, *this) * from.row_weight(start, 1);
  }

  /// All channels of a place.
  constexpr void read(std::int64_t place) const {
    const auto start = from.start(place);
    const T* const image = images + from.image_of(place);
    T* const to = out + place * from.channels;
    if (!from.sampling.bilinear) {
      const T* const nearest = cell(image, start.top, start.left);
      for (std::int64_t c = 0; c < from.channels; ++c) to[c] = value(nearest, c);
      return;
    }
    const T left = from.column_weight(start, 0), right = from.column_weight(start, 1);
    const T up = from.row_weight(start, 0), down = from.row_weight(start, 1);
    const Row above = row(image, start, 0), below = row(image, start, 1);
    for (std::int64_t c = 0; c < from.channels; ++c)
      to[c] = above.at(c, left, right, *this) * up + below.at(c, left, right, *this) * down;
  }

 private:
  /// Two cells of a row; null: the fill value.
  struct Row {
    const T *first, *second;
    constexpr T at(std::int64_t c, T left, T right, const SampleImage& of) const {
      return of.value(first, c) * left + of.value(second, c) * right;
    }
  };
  constexpr Row row(const T* image, const typename SampledPlaces<T, C>::Start& start, int which) const {
    const C top = which == 0 ? start.top : start.top + 1;
    return {cell(image, top, start.left), cell(image, top, start.left + 1)};
  }
  constexpr const T* cell(const T* image, C row, C column) const {
    const std::int64_t place = from.cell(row, column);
    return place < 0 ? nullptr : image + place * from.channels;
  }
  constexpr T value(const T* cell, std::int64_t c) const {
    return cell == nullptr ? static_cast<T>(from.sampling.fill_value) : cell[c];
  }
};

/// fn(SampledPlaces) for the dtypes of images and places; false where they are others.
template <class F>
bool with_sampled_places(const Tensor& images, const Tensor& rows, const Tensor& columns, const ImageSampling& sampling,
                         F&& fn) {
  const auto known = [](DType dtype) { return dtype == DType::float32 || dtype == DType::float64; };
  if (!known(images.dtype()) || !known(rows.dtype())) return false;
  const bool wide = images.dtype() == DType::float64, wide_places = rows.dtype() == DType::float64;
  const Shape& shape = images.shape();
  if (wide)
    wide_places ? fn(SampledPlaces<double, double>(shape, rows, columns, sampling))
                : fn(SampledPlaces<double, float>(shape, rows, columns, sampling));
  else
    wide_places ? fn(SampledPlaces<float, double>(shape, rows, columns, sampling))
                : fn(SampledPlaces<float, float>(shape, rows, columns, sampling));
  return true;
}

}  // namespace nyala::backend
