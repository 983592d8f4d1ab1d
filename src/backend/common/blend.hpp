#pragma once

#include <cstdint>

namespace nyala::backend {

/// Linear interpolation along one axis: the two source cells of cell `place` of the result, and the weight of the
/// second. Cells stand at their middle; beyond the middles of the first and the last their values go on.
struct Blend {
  std::int64_t first, second;
  double weight;

  constexpr Blend(std::int64_t place, std::int64_t in, std::int64_t out) : first(0), second(0), weight(0.0) {
    const double centre = (static_cast<double>(place) + 0.5) * static_cast<double>(in) / static_cast<double>(out) - 0.5;
    const double last = static_cast<double>(in - 1);
    const double clamped = centre < 0.0 ? 0.0 : centre > last ? last : centre;
    first = static_cast<std::int64_t>(clamped);
    second = first + 1 < in ? first + 1 : in - 1;
    weight = clamped - static_cast<double>(first);
  }
};

}  // namespace nyala::backend
