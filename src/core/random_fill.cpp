#include "core/random_fill.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include <nyala/error.hpp>

#include "core/box_muller.hpp"

namespace nyala::philox {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::size_t batch = 256;

std::uint64_t double_word(const std::uint32_t* words) { return std::uint64_t{words[1]} << 32 | words[0]; }

/// Calls fn(words, done, n) for batches of elements that take WordsEach (1, 2 or 4) words of the stream each.
template <std::size_t WordsEach, class F>
void for_batches(std::size_t count, Stream stream, std::uint64_t offset, F&& fn) {
  constexpr std::uint64_t per_block = 4 / WordsEach;
  std::array<std::uint32_t, batch * WordsEach> words;
  for (std::size_t done = 0; done < count;) {
    const std::uint64_t first = offset + done;
    const auto skipped = static_cast<std::size_t>(first % per_block);
    const std::size_t n = std::min(count - done, batch - skipped);
    fill_blocks(words.data(), ((skipped + n) * WordsEach + 3) / 4, stream, first / per_block);
    fn(words.data() + skipped * WordsEach, done, n);
    done += n;
  }
}

/// Numbers in [0, 1) moved to [low, high), which rounding does not let them leave.
template <class T>
class Scale {
 public:
  Scale(T low, T high)
      : low_(low),
        range_(high - low),
        limit_(low < high ? std::nextafter(high, low) : std::numeric_limits<T>::infinity()) {}

  [[gnu::always_inline]] T operator()(T unit) const {
    const T value = low_ + range_ * unit;
    return value < limit_ ? value : limit_;
  }

 private:
  T low_, range_, limit_;
};

template <class T>
void fill_normals(T* out, std::size_t count, Stream stream, std::uint64_t offset, T mean, T deviation) {
  constexpr std::size_t words_each = sizeof(T) / 4, per_block = 4 / words_each;
  std::array<std::uint32_t, batch * words_each> words;
  std::array<T, batch> values;
  for (std::size_t done = 0; done < count;) {
    const std::uint64_t first = offset + done;
    const auto skipped = static_cast<std::size_t>(first % per_block);
    const std::size_t n = std::min(count - done, batch - skipped);
    const std::size_t blocks = (skipped + n + per_block - 1) / per_block;
    fill_blocks(words.data(), blocks, stream, first / per_block);
    normals(words.data(), values.data(), blocks * per_block);
    for (std::size_t i = 0; i < n; ++i) out[done + i] = mean + deviation * values[skipped + i];
    done += n;
  }
}

// A block of its own for every element and attempt: the attempt is in the upper bits of the place.
template <class T>
void fill_truncated(T* out, std::size_t count, Stream stream, std::uint64_t offset, T mean, T deviation) {
  constexpr std::size_t candidates = 16 / sizeof(T);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<T, candidates> drawn;
    const T* accepted = drawn.end();
    for (std::uint64_t attempt = 0; accepted == drawn.end(); ++attempt) {
      const Block words = block(stream, (offset + i) ^ attempt << 48);
      normals(words.data(), drawn.data(), candidates);
      accepted = std::find_if(drawn.begin(), drawn.end(), [](T value) { return std::abs(value) <= 2; });
    }
    out[i] = mean + deviation * *accepted;
  }
}

template <class T>
void permute(T* out, std::size_t count, Stream stream) {
  std::iota(out, out + count, T{0});
  if (count < 2) return;
  for_batches<2>(count - 1, stream, 0, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t last = count - 1 - done - i;
      const auto chosen = static_cast<std::size_t>(Wide{double_word(words + 2 * i)} * (last + 1) >> 64);
      std::swap(out[last], out[chosen]);
    }
  });
}

}  // namespace

void fill_uniform_bits(std::uint32_t* out, std::size_t count, Stream stream, std::uint64_t offset) {
  const std::size_t skipped = std::min<std::size_t>(count, (4 - offset % 4) % 4);
  const Block first = block(stream, offset / 4);
  std::copy_n(first.begin() + static_cast<std::ptrdiff_t>(offset % 4), skipped, out);
  const std::size_t blocks = (count - skipped) / 4, done = skipped + 4 * blocks;
  const std::uint64_t next = (offset + skipped) / 4;
  fill_blocks(out + skipped, blocks, stream, next);
  const Block last = block(stream, next + blocks);
  std::copy_n(last.begin(), count - done, out + done);
}

void fill_uniform(float* out, std::size_t count, Stream stream, std::uint64_t offset, float low, float high) {
  const Scale scale(low, high);
  for_batches<1>(count, stream, offset, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
    const auto convert = [&](std::size_t length) {
      for (std::size_t i = 0; i < length; ++i)
        out[done + i] = scale(static_cast<float>(static_cast<std::int32_t>(words[i] >> 8)) * 0x1p-24F);
    };
    n == batch ? convert(batch) : convert(n);
  });
}

void fill_uniform(double* out, std::size_t count, Stream stream, std::uint64_t offset, double low, double high) {
  const Scale scale(low, high);
  for_batches<2>(count, stream, offset, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[done + i] = scale(unit_interval(words[2 * i], words[2 * i + 1]));
  });
}

void fill_normal(float* out, std::size_t count, Stream stream, std::uint64_t offset, float mean, float deviation) {
  fill_normals(out, count, stream, offset, mean, deviation);
}

void fill_normal(double* out, std::size_t count, Stream stream, std::uint64_t offset, double mean, double deviation) {
  fill_normals(out, count, stream, offset, mean, deviation);
}

void fill_truncated_normal(float* out, std::size_t count, Stream stream, std::uint64_t offset, float mean,
                           float deviation) {
  fill_truncated(out, count, stream, offset, mean, deviation);
}

void fill_truncated_normal(double* out, std::size_t count, Stream stream, std::uint64_t offset, double mean,
                           double deviation) {
  fill_truncated(out, count, stream, offset, mean, deviation);
}

void fill_integers(std::int64_t* out, std::size_t count, Stream stream, std::uint64_t offset, std::int64_t low,
                   std::int64_t high) {
  if (low >= high)
    throw Error("random integers: low must be less than high, got " + std::to_string(low) + " and " +
                std::to_string(high));
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const auto shifted = [low](std::uint64_t drawn) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + drawn);
  };
  if (range <= std::uint64_t{1} << 32) {
    for_batches<2>(count, stream, offset, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i)
        out[done + i] = shifted(static_cast<std::uint64_t>(Wide{double_word(words + 2 * i)} * range >> 64));
    });
    return;
  }
  for_batches<4>(count, stream, offset, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const Wide lower = Wide{double_word(words + 4 * i)} * range >> 64;
      const Wide upper = Wide{double_word(words + 4 * i + 2)} * range;
      out[done + i] = shifted(static_cast<std::uint64_t>((upper + lower) >> 64));
    }
  });
}

void fill_bernoulli(std::uint8_t* out, std::size_t count, Stream stream, std::uint64_t offset, double probability) {
  const auto limit = static_cast<std::uint64_t>(std::clamp(probability, 0.0, 1.0) * 0x1p32);
  for_batches<1>(count, stream, offset, [&](const std::uint32_t* words, std::size_t done, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[done + i] = words[i] < limit ? 1 : 0;
  });
}

void fill_permutation(std::int32_t* out, std::size_t count, Stream stream) { permute(out, count, stream); }
void fill_permutation(std::int64_t* out, std::size_t count, Stream stream) { permute(out, count, stream); }

}  // namespace nyala::philox
