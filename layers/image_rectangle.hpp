#pragma once

// A random rectangle per image, as RandomErasing and CutMix cut it.

#include <vector>

#include <nyala/layers/image_layer.hpp>
#include <nyala/ops.hpp>

namespace nyala::image {

struct Span {
  std::vector<double> begin, end;
};

/// Parts of an axis at random places.
inline Span random_span(std::int64_t length, const std::vector<double>& parts, SeedGenerator& seed) {
  const std::vector<double> place =
      random::uniform({static_cast<std::int64_t>(parts.size())}, 0.0, 1.0, DType::float32, seed).to_vector<double>();
  Span span;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double size = parts[i] * static_cast<double>(length);
    span.begin.push_back(place[i] * (static_cast<double>(length) - size));
    span.end.push_back(span.begin.back() + size);
  }
  return span;
}

/// True where begin <= position < end, along one axis of (batch, height, width, 1).
inline Tensor within(const Span& span, std::int64_t length, bool vertical) {
  const auto count = static_cast<std::int64_t>(span.begin.size());
  const Tensor at = reshape(arange(0, static_cast<double>(length), 1, DType::float64),
                            vertical ? Shape{1, length, 1, 1} : Shape{1, 1, length, 1});
  return at >= tensor(span.begin, {count, 1, 1, 1}) && at < tensor(span.end, {count, 1, 1, 1});
}

/// `count` numbers in random order.
inline Tensor random_order(std::int64_t count, SeedGenerator& seed) {
  return argsort(random::uniform({count}, 0.0, 1.0, DType::float64, seed));
}

}  // namespace nyala::image
