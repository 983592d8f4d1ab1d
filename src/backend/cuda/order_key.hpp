#pragma once

#include <bit>
#include <cstdint>

#include "backend/cuda/dispatch.hpp"

namespace nyala::backend::cuda {

/// Unsigned integers in the order of the numbers (`descending`: the other way round): NaNs last either way, both zeros
/// alike. Those of dtypes of up to 32 bits are below 2^32.
struct OrderKey {
  Elements x;
  bool descending;

  constexpr std::uint64_t operator()(std::int64_t place) const {
    switch (x.dtype) {
      case DType::float64: return of_floating(std::bit_cast<std::uint64_t>(x.at<double, double>(place)));
      case DType::float32:
      case DType::float16:
      case DType::bfloat16: return of_floating(std::bit_cast<std::uint32_t>(x.get<float>(place)));
      case DType::int64: return of_signed<std::uint64_t>(x.get<std::int64_t>(place));
      case DType::uint64: return directed(x.get<std::uint64_t>(place));
      case DType::int8:
      case DType::int16:
      case DType::int32: return of_signed<std::uint32_t>(x.get<std::int64_t>(place));
      default: return directed(x.get<std::uint32_t>(place));
    }
  }

 private:
  template <class Key>
  constexpr Key directed(Key ascending) const {
    return descending ? static_cast<Key>(~ascending) : ascending;
  }
  template <class Key>
  constexpr Key of_floating(Key bits) const {
    constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
    constexpr Key infinity = sizeof(Key) == 8 ? static_cast<Key>(0x7FF0000000000000) : static_cast<Key>(0x7F800000);
    if ((bits & ~sign) > infinity) return ~Key(0);
    if (bits == sign) bits = 0;
    return directed((bits & sign) != 0 ? static_cast<Key>(~bits) : bits | sign);
  }
  template <class Key>
  constexpr Key of_signed(std::int64_t value) const {
    return directed(static_cast<Key>(static_cast<Key>(value) ^ (Key(1) << (8 * sizeof(Key) - 1))));
  }
};

}  // namespace nyala::backend::cuda
