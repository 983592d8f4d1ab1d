#include <cmath>
#include <numbers>

#include "backend/common/dispatch.hpp"
#include "backend/common/scalar_math.hpp"
#include "backend/common/widened.hpp"
#include "backend/cpu/reference/reference_kernels.hpp"
#include "core/parallel.hpp"
#include "core/philox.hpp"

namespace nyala::backend {
namespace {

// Element i takes the words that its place in the stream gives it, whatever thread makes it: one 32-bit word in
// float32, two of them in float64 and integers.

std::uint32_t word(philox::Stream stream, std::int64_t i) {
  return philox::block(stream, static_cast<std::uint64_t>(i) / 4)[static_cast<std::size_t>(i % 4)];
}

std::uint64_t two_words(philox::Stream stream, std::int64_t i) {
  const philox::Block block = philox::block(stream, static_cast<std::uint64_t>(i) / 2);
  const std::size_t first = i % 2 == 0 ? 0 : 2;
  return std::uint64_t{block[first]} << 32 | block[first + 1];
}

/// In [0, 1), as many random bits as the type's mantissa holds.
template <class T>
T unit(philox::Stream stream, std::int64_t i) {
  if constexpr (sizeof(T) == 4)
    return static_cast<float>(word(stream, i) >> 8) * 0x1p-24f;
  else
    return static_cast<double>(two_words(stream, i) >> 11) * 0x1p-53;
}

/// In (0, 1): the middle of each step, so that logarithms and erfinv stay finite.
template <class T>
double open_unit(philox::Stream stream, std::int64_t i) {
  if constexpr (sizeof(T) == 4)
    return (static_cast<double>(word(stream, i)) + 0.5) * 0x1p-32;
  else
    return (static_cast<double>(two_words(stream, i) >> 12) + 0.5) * 0x1p-52;
}

template <class T, class F>
void fill_each(Tensor& out, std::int64_t grain, F&& value) {
  T* to = out.data<T>();
  detail::parallel_for(0, out.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = value(i);
  });
}

philox::Stream stream_of(RandomKey key) { return {key.seed, key.stream}; }

}  // namespace

void ReferenceKernels::random_uniform(RandomKey key, double low, double high, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  visit_floating(result.dtype(), "random_uniform", [&]<class T>(std::type_identity<T>) {
    const T from = static_cast<T>(low), range = static_cast<T>(high - low);
    fill_each<T>(result, 4096, [&, stream = stream_of(key)](std::int64_t i) {
      const T value = unit<T>(stream, i) * range + from;
      return value < static_cast<T>(high) ? value : std::nextafter(static_cast<T>(high), from);
    });
  });
  widened.finish();
}

void ReferenceKernels::random_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  visit_floating(result.dtype(), "random_normal", [&]<class T>(std::type_identity<T>) {
    fill_each<T>(result, 1024, [&, stream = stream_of(key)](std::int64_t i) {
      // Box and Muller make two normal numbers from two uniform ones.
      const std::int64_t even = i - i % 2;
      const double radius = std::sqrt(-2 * std::log(open_unit<T>(stream, even)));
      const double angle = 2 * std::numbers::pi * open_unit<T>(stream, even + 1);
      return static_cast<T>(mean + deviation * radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle)));
    });
  });
  widened.finish();
}

void ReferenceKernels::random_truncated_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  Widened widened(*this);
  Tensor& result = widened.out(out);
  // The share of the normal distribution within two deviations, erf(√2): drawing again what lies beyond is the same as
  // inverting the distribution between its values there.
  const double share = std::erf(std::numbers::sqrt2);
  visit_floating(result.dtype(), "random_truncated_normal", [&]<class T>(std::type_identity<T>) {
    fill_each<T>(result, 1024, [&, stream = stream_of(key)](std::int64_t i) {
      const double y = (2 * open_unit<T>(stream, i) - 1) * share;
      return static_cast<T>(mean + deviation * std::numbers::sqrt2 * scalar::erfinv(y));
    });
  });
  widened.finish();
}

void ReferenceKernels::random_integers(RandomKey key, std::int64_t low, std::int64_t high, Tensor& out) {
  Tensor result = out.dtype() == DType::int64 ? out : Tensor::empty(out.shape(), DType::int64, out.device());
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  fill_each<std::int64_t>(result, 4096, [&, stream = stream_of(key)](std::int64_t i) {
    const std::uint64_t bits = two_words(stream, i);
    // The upper 64 bits of bits * range: uniform to within range / 2^64.
    const std::uint64_t low_part = (bits & 0xffffffff) * (range & 0xffffffff);
    const std::uint64_t middle = (bits >> 32) * (range & 0xffffffff) + (low_part >> 32);
    const std::uint64_t other = (bits & 0xffffffff) * (range >> 32) + (middle & 0xffffffff);
    const std::uint64_t upper = (bits >> 32) * (range >> 32) + (middle >> 32) + (other >> 32);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + upper);
  });
  if (!result.is(out)) cast(result, out);
}

void ReferenceKernels::dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) {
  Widened widened(*this);
  const Tensor wide = widened.in(x);
  Tensor& result = widened.out(out);
  visit_floating(wide.dtype(), "dropout", [&]<class T>(std::type_identity<T>) {
    const T* from = wide.data<T>();
    const T scale = static_cast<T>(1 / (1 - rate));
    fill_each<T>(result, 4096, [&, stream = stream_of(key)](std::int64_t i) {
      return static_cast<double>(unit<float>(stream, i)) >= rate ? from[i] * scale : T(0);
    });
  });
  widened.finish();
}

}  // namespace nyala::backend
