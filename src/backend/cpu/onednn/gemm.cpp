#include "backend/cpu/onednn/gemm.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "backend/cpu/onednn/compat.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::onednn {
namespace {

constexpr std::int64_t worth_a_block = 1'000'000;  // multiplications: some 13 µs
constexpr std::int64_t worth_a_result = 32;        // what follows the sum: a bias, an activation, in multiplications
constexpr std::int64_t most_blocks = 16;
constexpr std::int64_t few_rows = 8, worth_reading = 65'536;  // elements of b

/// A single row is a matter of memory, whatever its length.
bool is_small(const Gemm& g) { return g.m * g.n * g.k <= small_product || (g.m == 1 && !g.transpose_b && !g.add); }

void small(const Gemm& g, const float* a, const float* b, float* c) {
  simd::SmallProduct sizes{g.m, g.n, g.k, g.stride_a, 1, g.stride_b, g.stride_c, g.add};
  if (g.transpose_a) std::swap(sizes.row_a, sizes.column_a);
  if (g.transpose_b) {
    thread_local std::vector<float> turned;
    if (turned.size() < static_cast<std::size_t>(g.k * g.n)) turned.resize(static_cast<std::size_t>(g.k * g.n));
    for (std::int64_t j = 0; j < g.k; ++j)
      for (std::int64_t i = 0; i < g.n; ++i) turned[static_cast<std::size_t>(j * g.n + i)] = b[i * g.stride_b + j];
    b = turned.data();
    sizes.stride_b = g.n;
  }
  simd::nn_loops().multiply(sizes, a, b, c);
}

/// Few rows: into how many runs of rows b is cut, so that each thread reads memory from end to end. The same thread
/// gets the same run in every call (as far as it is there) and finds it in its own cache, which strips of columns whose
/// distance is a power of 2 would fill by half.
std::int64_t runs_of(const Gemm& g) {
  constexpr std::int64_t widest = 8192, worth_a_run = 32'768, fewest_rows = 16, most_runs = 8, most_rows = 4;
  if (g.m > most_rows || g.transpose_b || g.add || g.m * g.n > widest) return 1;
  const std::int64_t runs = std::min({g.n * g.k / worth_a_run, g.k / fewest_rows, most_runs});
  return runs < 2 ? 1 : runs / 2 * 2;
}

void row_product(const Gemm& g, std::int64_t runs, const float* a, const float* b, float* c) {
  constexpr std::int64_t most = 8;
  const std::int64_t length = (g.k - 1) / runs + 1, count = (g.k - 1) / length + 1, size = g.m * g.n;
  const Scratch sums(static_cast<std::size_t>(count * size) * sizeof(float));
  float* const partial = static_cast<float*>(sums.get());
  detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      Gemm run = g;
      run.k = std::min(length, g.k - i * length);
      run.stride_c = g.n;
      small(run, a + i * length * (g.transpose_a ? g.stride_a : 1), b + i * length * g.stride_b, partial + i * size);
    }
  });
  constexpr std::array<float, most> ones{1, 1, 1, 1, 1, 1, 1, 1};
  for (std::int64_t row = 0; row < g.m; ++row)
    simd::nn_loops().multiply({1, g.n, count, count, 1, size, g.n, false}, ones.data(), partial + row * g.n,
                              c + row * g.stride_c);
}

/// sums (n) = a · b, a piece of b at a time widened into the first-level cache.
void add_halves(std::int64_t rows, std::int64_t n, const float* a, const nyala::bfloat16* b, float* sums) {
  constexpr std::int64_t cached = 6144;
  const std::int64_t step = std::clamp<std::int64_t>(cached / n, 1, std::max<std::int64_t>(rows, 1));
  const Scratch memory(static_cast<std::size_t>(step * n) * sizeof(float));
  float* const wide = static_cast<float*>(memory.get());
  std::fill_n(sums, n, 0.0F);
  for (std::int64_t first = 0; first < rows; first += step) {
    const std::int64_t some = std::min(step, rows - first);
    detail::convert(b + first * n, wide, static_cast<std::size_t>(some * n));
    simd::nn_loops().multiply({1, n, some, some, 1, n, n, true}, a + first, wide, sums);
  }
}

/// How a product is cut: into strips of rows or of columns, whichever there are more of.
struct Cut {
  bool rows = true;
  std::int64_t size, count = 1;

  explicit Cut(const Gemm& g) : rows(g.m >= g.n) {
    const std::int64_t length = rows ? g.m : g.n;
    const std::int64_t finest = rows ? 32 : 128;  // narrower strips run slower
    const std::int64_t work = g.m * g.n * (g.k + worth_a_result);
    // A few rows read all of b for little arithmetic.
    const std::int64_t reading = g.m <= few_rows ? g.n * g.k / worth_reading : 0;
    const std::int64_t wanted = std::clamp<std::int64_t>(
        std::max(work / worth_a_block, reading), 1, std::min(most_blocks, std::max<std::int64_t>(length / finest, 1)));
    const std::int64_t unit = rows ? 8 : 16;
    size = ((length - 1) / wanted / unit + 1) * unit;
    count = length == 0 ? 0 : (length - 1) / size + 1;
  }
};

void plain(const Gemm& g, const float* a, const float* b, float* c) {
  const dnnl::status status = dnnl::sgemm(g.transpose_a ? 'T' : 'N', g.transpose_b ? 'T' : 'N', g.m, g.n, g.k, 1.0f, a,
                                          g.stride_a, b, g.stride_b, g.add ? 1.0f : 0.0f, c, g.stride_c);
  if (status != dnnl::status::success) gemm(g, a, b, c);
}

}  // namespace

void product(const Gemm& g, const float* a, const float* b, float* c) {
  if (g.m == 0 || g.n == 0) return;
  if (is_small(g)) return small(g, a, b, c);
  if (amx::worth_tiles(g)) return amx::multiply_split(g, a, b, nullptr, c, plain, [](const Block&) {});
  plain(g, a, b, c);
}

void multiply_row(const HalfRow& p) {
  const std::int64_t runs = runs_of({false, false, false, 1, p.n, p.k, p.k, p.n, p.n});
  const std::int64_t length = (p.k - 1) / runs + 1, count = (p.k - 1) / length + 1;
  const Scratch memory(static_cast<std::size_t>(p.k + (count + 1) * p.n) * sizeof(float));
  float *const a = static_cast<float*>(memory.get()), *const bias = a + p.k, *const sums = bias + p.n;
  detail::convert(p.a, a, static_cast<std::size_t>(p.k));
  if (p.bias != nullptr) detail::convert(p.bias, bias, static_cast<std::size_t>(p.n));
  detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t begin = i * length;
      add_halves(std::min(length, p.k - begin), p.n, a + begin, p.b + begin * p.n, sums + i * p.n);
    }
  });
  for (std::int64_t i = 1; i < count; ++i) simd::nn_loops().accumulate(p.n, sums + i * p.n, sums);
  simd::nn_loops().finish({1, p.n, p.n, p.n, p.activation}, sums, p.bias == nullptr ? nullptr : bias, nullptr, sums);
  detail::convert(sums, p.out, static_cast<std::size_t>(p.n));
}

void parallel_product(const Gemm& g, const float* a, const float* b, float* c,
                      detail::FunctionRef<void(const Block&)> finish, const amx::SplitFactors* split_b) {
  if (g.m == 0 || g.n == 0) return;
  if (g.m * g.n * g.k <= small_product) {
    small(g, a, b, c);
    return finish({0, g.m, 0, g.n});
  }
  if (split_b != nullptr || amx::worth_tiles(g)) return amx::multiply_split(g, a, b, split_b, c, plain, finish);
  if (const std::int64_t runs = runs_of(g); runs > 1) {
    row_product(g, runs, a, b, c);
    return finish({0, g.m, 0, g.n});
  }
  const Cut cut(g);
  detail::parallel_chunks(0, cut.count, 1, [&](std::int64_t, std::int64_t first, std::int64_t last) {
    const detail::SingleThreadedOmp single;
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t begin = i * cut.size, length = std::min(cut.size, (cut.rows ? g.m : g.n) - begin);
      Gemm part = g;
      (cut.rows ? part.m : part.n) = length;
      const Block block = cut.rows ? Block{begin, length, 0, g.n} : Block{0, g.m, begin, length};
      product(part, a + block.row * (g.transpose_a ? 1 : g.stride_a),
              b + block.column * (g.transpose_b ? g.stride_b : 1), c + block.row * g.stride_c + block.column);
      finish(block);
    }
  });
}

void parallel_product(const Gemm& g, const float* a, const float* b, float* c) {
  parallel_product(g, a, b, c, [](const Block&) {});
}

}  // namespace nyala::backend::onednn
