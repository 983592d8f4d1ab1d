#include <cmath>
#include <limits>

#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "core/box_muller.hpp"
#include "core/philox.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

// Each functor is for one block of the stream, four words, and writes the elements that the CPU makes of it
// (core/random_fill.cpp): uniform numbers, dropout and float normals are the same bits.

philox::Stream stream_of(RandomKey key) { return {key.seed, key.stream}; }

std::int64_t blocks_for(std::int64_t count, std::int64_t per_block) { return (count + per_block - 1) / per_block; }

template <class A>
constexpr A unit_of(const philox::Block& words, int element) {
  const auto at = static_cast<std::size_t>(element);
  if constexpr (std::same_as<A, float>)
    return static_cast<float>(static_cast<std::int32_t>(words[at] >> 8)) * 0x1p-24F;
  else
    return philox::unit_interval(words[2 * at], words[2 * at + 1]);
}

template <class A>
struct Uniform {
  philox::Stream stream;
  A low, range, limit;
  std::int64_t count;
  Numbers<A> out;
  constexpr void operator()(std::int64_t block) const {
    constexpr int each = 16 / sizeof(A);
    const philox::Block words = philox::block(stream, static_cast<std::uint64_t>(block));
    for (int e = 0; e < each && block * each + e < count; ++e) {
      const A value = low + range * unit_of<A>(words, e);
      out.set(block * each + e, value < limit ? value : limit);
    }
  }
};

/// The normal numbers that four words make: four floats or two doubles.
constexpr void normals_of(const philox::Block& words, float* values) {
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const float radius = std::sqrt(philox::series::squared_radius(words[2 * pair]));
    const philox::series::Direction direction = philox::series::direction(words[2 * pair + 1]);
    values[2 * pair] = radius * direction.cosine;
    values[2 * pair + 1] = radius * direction.sine;
  }
}
template <std::same_as<double> A>
constexpr void normals_of(const philox::Block& words, A* values) {
  const A radius = std::sqrt(-2.0 * std::log(philox::unit_interval(words[0], words[1]) + 0x1p-53));
  const A angle = 2 * std::numbers::pi * philox::unit_interval(words[2], words[3]);
  values[0] = radius * std::cos(angle);
  values[1] = radius * std::sin(angle);
}

template <class A>
struct Normal {
  philox::Stream stream;
  A mean, deviation;
  std::int64_t count;
  Numbers<A> out;
  constexpr void operator()(std::int64_t block) const {
    constexpr int each = 16 / sizeof(A);
    A values[each]{};
    normals_of(philox::block(stream, static_cast<std::uint64_t>(block)), values);
    for (int e = 0; e < each && block * each + e < count; ++e) {
      out.set(block * each + e, mean + deviation * values[e]);
    }
  }
};

template <class A>
struct TruncatedNormal {
  philox::Stream stream;
  A mean, deviation;
  Numbers<A> out;
  constexpr void operator()(std::int64_t i) const {
    constexpr int candidates = 16 / sizeof(A);
    for (std::uint64_t attempt = 0;; ++attempt) {
      A values[candidates]{};
      normals_of(philox::block(stream, static_cast<std::uint64_t>(i) ^ attempt << 48), values);
      for (const A value : values) {
        if (!(value <= 2 && value >= -2)) continue;
        out.set(i, mean + deviation * value);
        return;
      }
    }
  }
};

__extension__ using Wide128 = unsigned __int128;

constexpr std::uint64_t double_word(const philox::Block& words, std::size_t first) {
  return std::uint64_t{words[first + 1]} << 32 | words[first];
}

struct Integers {
  philox::Stream stream;
  std::int64_t low;
  std::uint64_t range;
  std::int64_t count;
  Results out;
  constexpr void put(std::int64_t i, std::uint64_t drawn) const {
    if (i < count) out.set(i, static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + drawn));
  }
  constexpr void operator()(std::int64_t block) const {
    const philox::Block words = philox::block(stream, static_cast<std::uint64_t>(block));
    if (range <= std::uint64_t{1} << 32) {
      for (std::size_t e = 0; e < 2; ++e) {
        put(2 * block + static_cast<std::int64_t>(e),
            static_cast<std::uint64_t>(Wide128{double_word(words, 2 * e)} * range >> 64));
      }
    } else {
      const Wide128 lower = Wide128{double_word(words, 0)} * range >> 64;
      const Wide128 upper = Wide128{double_word(words, 2)} * range;
      put(block, static_cast<std::uint64_t>((upper + lower) >> 64));
    }
  }
};

template <class A>
struct Dropout {
  philox::Stream stream;
  std::uint32_t limit;
  A scale;
  std::int64_t count;
  Numbers<A> x, out;
  constexpr void operator()(std::int64_t block) const {
    const philox::Block words = philox::block(stream, static_cast<std::uint64_t>(block));
    for (std::size_t e = 0; e < 4; ++e) {
      const std::int64_t i = 4 * block + static_cast<std::int64_t>(e);
      if (i >= count) return;
      out.set(i, words[e] >> 8 >= limit ? x.get(i) * scale : A(0));
    }
  }
};

}  // namespace

void CudaKernels::random_uniform(RandomKey key, double low, double high, Tensor& out) {
  visit_wide_floating(out.dtype(), "random_uniform", [&]<class A>(std::type_identity<A>) {
    const auto from = static_cast<A>(low), to = static_cast<A>(high);
    const A limit = from < to ? std::nextafter(to, from) : std::numeric_limits<A>::infinity();
    launch(context_.stream(), blocks_for(out.size(), 16 / sizeof(A)),
           Uniform<A>{stream_of(key), from, to - from, limit, out.size(), Numbers<A>(out)});
  });
}

void CudaKernels::random_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  visit_wide_floating(out.dtype(), "random_normal", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), blocks_for(out.size(), 16 / sizeof(A)),
           Normal<A>{stream_of(key), static_cast<A>(mean), static_cast<A>(deviation), out.size(), Numbers<A>(out)});
  });
}

void CudaKernels::random_truncated_normal(RandomKey key, double mean, double deviation, Tensor& out) {
  visit_wide_floating(out.dtype(), "random_truncated_normal", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), out.size(),
           TruncatedNormal<A>{stream_of(key), static_cast<A>(mean), static_cast<A>(deviation), Numbers<A>(out)});
  });
}

void CudaKernels::random_integers(RandomKey key, std::int64_t low, std::int64_t high, Tensor& out) {
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::int64_t per_block = range <= std::uint64_t{1} << 32 ? 2 : 1;
  launch(context_.stream(), blocks_for(out.size(), per_block),
         Integers{stream_of(key), low, range, out.size(), results_of(out)});
}

void CudaKernels::dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) {
  // The uniform number of an element is the upper 24 bits of its word.
  const auto limit = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
  visit_wide_floating(x.dtype(), "dropout", [&]<class A>(std::type_identity<A>) {
    launch(context_.stream(), blocks_for(x.size(), 4),
           Dropout<A>{stream_of(key), limit, static_cast<A>(1 / (1 - rate)), x.size(), Numbers<A>(x), Numbers<A>(out)});
  });
}

}  // namespace nyala::backend::cuda
