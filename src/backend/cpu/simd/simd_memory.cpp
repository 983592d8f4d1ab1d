#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include "backend/common/axis_split.hpp"
#include "backend/common/dispatch.hpp"
#include "backend/common/strided.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/half_blocks.hpp"
#include "backend/cpu/simd/simd_kernels.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/half.hpp"
#include "core/random_fill.hpp"

namespace nyala::backend {
namespace {

constexpr std::int64_t copy_grain = 262144;  // bytes

template <class From, class To>
void convert_half(const Tensor& in, Tensor& out) {
  const auto* from = static_cast<const From*>(in.raw_data());
  auto* to = static_cast<To*>(out.raw_data());
  detail::parallel_for(0, in.size(), cheap_grain, [=](std::int64_t begin, std::int64_t end) {
    detail::convert(from + begin, to + begin, static_cast<std::size_t>(end - begin));
  });
}

bool cast_half(const Tensor& in, Tensor& out) {
  if (in.dtype() == DType::float32 && out.dtype() == DType::bfloat16)
    convert_half<float, bfloat16>(in, out);
  else if (in.dtype() == DType::float32 && out.dtype() == DType::float16)
    convert_half<float, float16>(in, out);
  else if (in.dtype() == DType::bfloat16 && out.dtype() == DType::float32)
    convert_half<bfloat16, float>(in, out);
  else if (in.dtype() == DType::float16 && out.dtype() == DType::float32)
    convert_half<float16, float>(in, out);
  else
    return false;
  return true;
}

/// Rows [first, last) of a matrix whose elements lie at row * row_stride + column * column_stride, in squares that stay
/// in the cache.
template <class T>
void read_matrix(const T* from, std::int64_t row_stride, std::int64_t columns, std::int64_t column_stride, T* to,
                 std::int64_t first, std::int64_t last) {
  constexpr std::int64_t side = 16;
  for (std::int64_t r = first; r < last; r += side) {
    for (std::int64_t c = 0; c < columns; c += side) {
      for (std::int64_t i = r; i < std::min(r + side, last); ++i) {
        for (std::int64_t k = c; k < std::min(c + side, columns); ++k) {
          to[i * columns + k] = from[i * row_stride + k * column_stride];
        }
      }
    }
  }
}

/// fn(bytes), as a constant where it is small: then a copy is a few moves instead of a call.
template <class F>
void with_bytes(std::size_t bytes, F&& fn) {
  switch (bytes) {
    case 4: return fn(std::integral_constant<std::size_t, 4>());
    case 8: return fn(std::integral_constant<std::size_t, 8>());
    case 12: return fn(std::integral_constant<std::size_t, 12>());
    case 16: return fn(std::integral_constant<std::size_t, 16>());
    case 32: return fn(std::integral_constant<std::size_t, 32>());
    case 64: return fn(std::integral_constant<std::size_t, 64>());
    default: return fn(bytes);
  }
}

/// `count` rows of `length` elements that are `row_stride` apart, one after the other.
template <class T>
void read_rows(const T* from, std::int64_t row_stride, std::int64_t length, T* to, std::int64_t count) {
  with_bytes(static_cast<std::size_t>(length) * sizeof(T), [=](auto bytes) mutable {
    for (std::int64_t row = 0; row < count; ++row, from += row_stride, to += length) std::memcpy(to, from, bytes);
  });
}

/// The same with every element repeated: from[row * row_stride] `length` times.
template <class T>
void repeat_rows(const T* from, std::int64_t row_stride, std::int64_t length, T* to, std::int64_t count) {
  for (std::int64_t row = 0; row < count; ++row, to += length) std::fill_n(to, length, from[row * row_stride]);
}

template <class T>
void read_runs(const T* from, const StridedWalk& walk, T* to) {
  const std::int64_t length = walk.run_length(), stride = walk.run_stride();
  // The last two axes are read together.
  const auto row_axis = static_cast<std::size_t>(std::max(walk.rank - 2, 0));
  const std::int64_t rows = walk.rank < 2 ? 1 : walk.sizes[row_axis];
  const std::int64_t row_stride = walk.rank < 2 ? 0 : walk.strides[row_axis];
  const auto read = [&](const T* matrix, T* target, std::int64_t first, std::int64_t last) {
    const T* const row = matrix + first * row_stride;
    if (stride == 1)
      read_rows(row, row_stride, length, target + first * length, last - first);
    else if (stride == 0)
      repeat_rows(row, row_stride, length, target + first * length, last - first);
    else
      read_matrix(matrix, row_stride, length, stride, target, first, last);
  };
  detail::parallel_for(0, walk.runs, rows_grain(length), [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t matrix = begin / rows, first = begin % rows, last = std::min(rows, first + end - begin);
      read(from + walk.start(matrix * rows), to + matrix * rows * length, first, last);
      begin += last - first;
    }
  });
}

/// Rows that lie one after the other to where the walk says.
template <class T>
void write_runs(const T* from, const StridedWalk& walk, T* to) {
  const std::int64_t length = walk.run_length(), stride = walk.run_stride();
  const std::int64_t rows = walk.rank < 2 ? 1 : walk.sizes[static_cast<std::size_t>(walk.rank - 2)];
  const std::int64_t row_stride = walk.rank < 2 ? 0 : walk.strides[static_cast<std::size_t>(walk.rank - 2)];
  const auto write = [&](const T* row, T* target, std::int64_t count) {
    with_bytes(static_cast<std::size_t>(length) * sizeof(T), [&](auto bytes) {
      for (std::int64_t i = 0; i < count; ++i, row += length, target += row_stride) {
        if (stride == 1) {
          std::memcpy(target, row, bytes);
        } else {
          for (std::int64_t j = 0; j < length; ++j) target[j * stride] = row[j];
        }
      }
    });
  };
  detail::parallel_for(0, walk.runs, rows_grain(length), [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t matrix = begin / rows, first = begin % rows, last = std::min(rows, first + end - begin);
      write(from + begin * length, to + walk.start(matrix * rows) + first * row_stride, last - first);
      begin += last - first;
    }
  });
}

/// Numbers 0 to count - 1, sorted by the part (1/64 to 1/32) of all rows to which they belong; in order within a part.
class TermsByPart {
 public:
  static constexpr std::int64_t most = 64;

  template <class RowOf>
  TermsByPart(std::int64_t count, std::int64_t all_rows, RowOf&& row_of)
      : memory_(static_cast<std::size_t>(count) * sizeof(std::uint32_t)) {
    const auto width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(all_rows - 1)));
    const int shift = std::max(0, width - 6);
    const auto part_of = [&](std::int64_t term) { return static_cast<std::size_t>(row_of(term) >> shift); };
    for (std::int64_t term = 0; term < count; ++term) ++begins_[part_of(term) + 1];
    for (std::size_t part = 0; part < most; ++part) begins_[part + 1] += begins_[part];
    auto next = begins_;
    auto* const sorted = static_cast<std::uint32_t*>(memory_.get());
    for (std::int64_t term = 0; term < count; ++term) sorted[next[part_of(term)]++] = static_cast<std::uint32_t>(term);
  }

  /// Those of parts [first, last).
  std::span<const std::uint32_t> of(std::int64_t first, std::int64_t last) const {
    const auto* const sorted = static_cast<const std::uint32_t*>(memory_.get());
    return {sorted + begins_[static_cast<std::size_t>(first)], sorted + begins_[static_cast<std::size_t>(last)]};
  }

 private:
  Scratch memory_;
  std::array<std::size_t, most + 1> begins_{};
};

}  // namespace

void SimdKernels::fill(Tensor& out, double value) {
  if (out.dtype() != DType::float32) return ReferenceKernels::fill(out, value);
  float* to = floats(out);
  detail::parallel_for(0, out.size(), copy_grain, [=](std::int64_t begin, std::int64_t end) {
    std::fill(to + begin, to + end, static_cast<float>(value));
  });
}

void SimdKernels::copy(const Tensor& in, Tensor& out) {
  const char* from = static_cast<const char*>(in.raw_data());
  char* to = static_cast<char*>(out.raw_data());
  if (from == to) return;
  detail::parallel_for(0, static_cast<std::int64_t>(in.bytes()), copy_grain, [=](std::int64_t begin, std::int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
  });
}

void SimdKernels::cast(const Tensor& in, Tensor& out) {
  if (in.dtype() == out.dtype()) return copy(in, out);
  if (cast_half(in, out)) return;
  const auto loop = table_.cast(in.dtype(), out.dtype());
  if (loop == nullptr) return ReferenceKernels::cast(in, out);
  const char* from = static_cast<const char*>(in.raw_data());
  char* to = static_cast<char*>(out.raw_data());
  const auto step_in = static_cast<std::int64_t>(size_of(in.dtype())),
             step_out = static_cast<std::int64_t>(size_of(out.dtype()));
  detail::parallel_for(0, in.size(), cheap_grain, [=](std::int64_t begin, std::int64_t end) {
    loop(from + begin * step_in, to + begin * step_out, end - begin);
  });
}

void SimdKernels::strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides,
                               Tensor& out) {
  if (out.size() == 0) return;
  const StridedWalk walk(out.shape(), strides);
  visit_bytes(in.dtype(), "strided_read", [&]<class T>(std::type_identity<T>) {
    read_runs(static_cast<const T*>(in.raw_data()) + offset, walk, static_cast<T*>(out.raw_data()));
  });
}

void SimdKernels::strided_write(const Tensor& in, Tensor& out, std::int64_t offset,
                                std::span<const std::int64_t> strides, bool add) {
  if (add || in.dtype() != out.dtype()) return ReferenceKernels::strided_write(in, out, offset, strides, add);
  if (in.size() == 0) return;
  const StridedWalk walk(in.shape(), strides);
  visit_bytes(in.dtype(), "strided_write", [&]<class T>(std::type_identity<T>) {
    write_runs(static_cast<const T*>(in.raw_data()), walk, static_cast<T*>(out.raw_data()) + offset);
  });
}

void SimdKernels::gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out) {
  const AxisSplit split(x.shape(), axis);
  const std::int64_t count = indices.size();
  const auto bytes = static_cast<std::size_t>(split.inner) * size_of(x.dtype());
  const char* from = static_cast<const char*>(x.raw_data());
  char* to = static_cast<char*>(out.raw_data());
  if (out.size() == 0) return;
  visit_index(indices.dtype(), "gather", [&]<class I>(std::type_identity<I>) {
    const I* rows = indices.data<I>();
    detail::parallel_for(0, split.outer * count, rows_grain(split.inner), [=](std::int64_t begin, std::int64_t end) {
      constexpr std::int64_t ahead = 12;  // rows; which they will be, memory cannot guess
      while (begin < end) {
        const std::int64_t first = begin % count, last = std::min(count, first + end - begin);
        const char* const table = from + static_cast<std::size_t>(begin / count * split.n) * bytes;
        char* const target = to + static_cast<std::size_t>(begin - first) * bytes;
        const auto row = [&](std::int64_t i) { return table + static_cast<std::size_t>(rows[i]) * bytes; };
        with_bytes(bytes, [&](auto size) {
          for (std::int64_t i = first; i < last; ++i) {
            __builtin_prefetch(row(std::min(i + ahead, last - 1)));
            std::memcpy(target + static_cast<std::size_t>(i) * size, row(i), size);
          }
        });
        begin += last - first;
      }
    });
  });
}

void SimdKernels::scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) {
  const AxisSplit split(out.shape(), axis);
  const std::int64_t count = indices.size(), inner = split.inner, all_rows = split.outer * split.n;
  const std::int64_t terms = split.outer * count;
  if (values.dtype() != DType::float32 || inner < 4 || terms > std::numeric_limits<std::uint32_t>::max()) {
    return ReferenceKernels::scatter_add(indices, axis, values, out);
  }
  const float* from = floats(values);
  float* to = floats(out);
  visit_index(indices.dtype(), "scatter_add", [&]<class I>(std::type_identity<I>) {
    const I* rows = indices.data<I>();
    const auto row_of = [&](std::int64_t term) {
      if (split.outer == 1) return static_cast<std::int64_t>(rows[term]);
      return term / count * split.n + static_cast<std::int64_t>(rows[term % count]);
    };
    const auto add = [&](std::int64_t term) { table_.add_to(from + term * inner, to + row_of(term) * inner, inner); };
    if (values.size() < cheap_grain) {
      for (std::int64_t term = 0; term < terms; ++term) add(term);
      return;
    }
    // Every part owns some rows of the result, few enough for a near cache, and takes their terms in order.
    const TermsByPart parts(terms, all_rows, row_of);
    detail::parallel_for(0, TermsByPart::most, 1, [&](std::int64_t begin, std::int64_t end) {
      for (const std::uint32_t term : parts.of(begin, end)) add(term);
    });
  });
}

void SimdKernels::dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) {
  const bool half = is_half(x.dtype());
  if (x.dtype() != DType::float32 && !half) return ReferenceKernels::dropout(key, rate, x, out);
  const auto scale = static_cast<float>(1 / (1 - rate));
  const auto limit = static_cast<std::uint32_t>(std::ceil(rate * 0x1p24));
  detail::parallel_for(0, x.size(), dear_grain, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::uint32_t, 1024> words;
    for (std::int64_t i = begin; i < end; i += 1024) {
      const std::int64_t n = std::min<std::int64_t>(1024, end - i);
      philox::fill_uniform_bits(words.data(), static_cast<std::size_t>(n), {key.seed, key.stream},
                                static_cast<std::uint64_t>(i));
      if (half) {
        alignas(64) float buffer[1024];
        table_.dropout(words.data(), limit, scale, widened(x, i, n, buffer), buffer, n);
        narrow(buffer, out, i, n);
      } else {
        table_.dropout(words.data(), limit, scale, floats(x) + i, floats(out) + i, n);
      }
    }
  });
}

}  // namespace nyala::backend
