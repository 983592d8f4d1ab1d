#include "backend/cpu/onednn/bfloat16_matmul.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "backend/cpu/onednn/primitives.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::onednn {
namespace {

using dnnl::memory;
constexpr auto bfloat16 = memory::data_type::bf16;
constexpr std::int64_t element_bytes = 2;
constexpr std::int64_t worth_a_tile = 4'000'000;  // multiplications: some 15 µs

/// Part of a single product, or some products of a batch.
struct Part {
  std::int64_t batch, rows, columns;
};

/// A matrix of a batch; a single one as such, as oneDNN has its fastest ways for two axes.
Description matrix(bool single, std::int64_t batch, std::int64_t rows, std::int64_t columns, std::int64_t row_step,
                   std::int64_t column_step, std::int64_t batch_step) {
  using Sizes = memory::dims;
  if (single) return {Sizes{rows, columns}, bfloat16, Sizes{row_step, column_step}};
  return {Sizes{batch, rows, columns}, bfloat16, Sizes{batch_step, row_step, column_step}};
}

Prepared make(const Bfloat16Product& p, const Part& part, bool biased) {
  const bool single = p.batch == 1;
  const Description a = matrix(single, p.batch_a == 1 ? 1 : part.batch, part.rows, p.k, p.transpose_a ? 1 : p.k,
                               p.transpose_a ? p.m : 1, p.m * p.k);
  const Description b = matrix(single, p.batch_b == 1 ? 1 : part.batch, p.k, part.columns, p.transpose_b ? 1 : p.n,
                               p.transpose_b ? p.k : 1, p.n * p.k);
  const Description c = matrix(single, part.batch, part.rows, part.columns, p.n, 1, p.m * p.n);
  dnnl::primitive_attr attributes = caller_scratchpad();
  add_activation(attributes, p.activation);
  Prepared result;
  result.bias = biased ? matrix(single, 1, 1, part.columns, part.columns, 1, part.columns) : Description();
  const auto description = describe_matmul(cpu_engine(), a, b, result.bias, c, attributes);
  if (!description) return result;
  result.primitive = dnnl::primitive(description);
  result.source = a;
  result.weights = b;
  result.target = c;
  result.scratchpad = description.scratchpad_desc();
  return result;
}

std::shared_ptr<const Prepared> prepare(const Bfloat16Product& p, const Part& part, bool biased) {
  PrimitiveKey key;
  key.add(4);
  key.add_all(std::initializer_list<std::int64_t>{part.batch, part.rows, part.columns, p.m, p.n, p.k, p.batch == 1,
                                                  p.batch_a == 1, p.batch_b == 1, p.transpose_a, p.transpose_b, biased,
                                                  static_cast<std::int64_t>(p.activation)});
  return prepared(key, [&] { return make(p, part, biased); });
}

/// `length` in equal steps, multiples of 32 but for the last.
struct Steps {
  std::int64_t size, count;
  Steps(std::int64_t length, std::int64_t wanted)
      : size(((length - 1) / wanted / 32 + 1) * 32), count((length - 1) / size + 1) {
    size = std::min(size, length);
  }
  std::int64_t at(std::int64_t i) const { return i * size; }
};

/// How a single product is cut: near squares whose operands stay in a core's cache.
struct Tiles {
  Steps rows, columns;
  explicit Tiles(const Bfloat16Product& p) : rows(p.m, 1), columns(p.n, 1) {
    constexpr std::int64_t side = 256, finest = 128;
    const std::int64_t worth = std::clamp<std::int64_t>(p.m * p.n * p.k / worth_a_tile, 1, 64);
    std::int64_t down = std::min(worth, (p.m + side / 2) / side), across = std::min(worth, (p.n + side / 2) / side);
    down = std::max<std::int64_t>(down, 1), across = std::max<std::int64_t>(across, 1);
    while (down * across < std::min<std::int64_t>(worth, 4) && std::max(p.m / down, p.n / across) >= finest)
      (p.m / down >= p.n / across ? down : across) *= 2;
    rows = Steps(p.m, down);
    columns = Steps(p.n, across);
  }
};

/// A batch, some products at a time.
bool multiply_batch(const Bfloat16Product& p, const std::byte* a, const std::byte* b, const void* bias,
                    std::byte* out) {
  const std::int64_t wanted =
      std::clamp<std::int64_t>(p.batch * p.m * p.n * p.k / worth_a_tile, 1, std::min<std::int64_t>(p.batch, 16));
  const std::int64_t step = (p.batch - 1) / wanted + 1, count = (p.batch - 1) / step + 1;
  const auto first = prepare(p, {step, p.m, p.n}, bias != nullptr),
             last = prepare(p, {p.batch - (count - 1) * step, p.m, p.n}, bias != nullptr);
  if (!first->usable() || !last->usable()) return false;
  detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t from, std::int64_t to) {
    const detail::SingleThreadedOmp quiet;
    for (std::int64_t i = from; i < to; ++i) {
      const std::int64_t begin = i * step;
      const Prepared& part = i + 1 == count ? *last : *first;
      execute(part.primitive, part.scratchpad,
              {{DNNL_ARG_SRC, part.source, a + (p.batch_a == 1 ? 0 : begin * p.m * p.k * element_bytes)},
               {DNNL_ARG_WEIGHTS, part.weights, b + (p.batch_b == 1 ? 0 : begin * p.k * p.n * element_bytes)},
               {DNNL_ARG_BIAS, part.bias, bias},
               {DNNL_ARG_DST, part.target, out + begin * p.m * p.n * element_bytes}});
    }
  });
  return true;
}

bool multiply_single(const Bfloat16Product& p, const std::byte* a, const std::byte* b, const std::byte* bias,
                     std::byte* out) {
  const Tiles tiles(p);
  const auto& [rows, columns] = tiles;
  // Whole tiles, those at the right, those below, and the corner.
  std::array<std::shared_ptr<const Prepared>, 4> kinds;
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    const bool below = kind >= 2, right = kind % 2 == 1;
    kinds[kind] = prepare(p,
                          {1, below ? p.m - rows.at(rows.count - 1) : rows.size,
                           right ? p.n - columns.at(columns.count - 1) : columns.size},
                          bias != nullptr);
    if (!kinds[kind]->usable()) return false;
  }
  detail::parallel_chunks(0, rows.count * columns.count, 1, [&](std::int64_t, std::int64_t from, std::int64_t to) {
    const detail::SingleThreadedOmp quiet;
    for (std::int64_t tile = from; tile < to; ++tile) {
      const std::int64_t i = tile % rows.count, j = tile / rows.count, row = rows.at(i), column = columns.at(j);
      const Prepared& part = *kinds[(i + 1 == rows.count ? 2U : 0U) + (j + 1 == columns.count ? 1U : 0U)];
      execute(part.primitive, part.scratchpad,
              {{DNNL_ARG_SRC, part.source, a + row * (p.transpose_a ? 1 : p.k) * element_bytes},
               {DNNL_ARG_WEIGHTS, part.weights, b + column * (p.transpose_b ? p.k : 1) * element_bytes},
               {DNNL_ARG_BIAS, part.bias, bias == nullptr ? nullptr : bias + column * element_bytes},
               {DNNL_ARG_DST, part.target, out + (row * p.n + column) * element_bytes}});
    }
  });
  return true;
}

}  // namespace

bool multiply_bfloat16(const Bfloat16Product& p, const void* a, const void* b, const void* bias, void* out) {
  if (p.batch * p.m * p.n * p.k == 0) return false;
  const detail::SingleThreadedOmp single;
  const auto *left = static_cast<const std::byte*>(a), *right = static_cast<const std::byte*>(b);
  if (p.batch > 1) return multiply_batch(p, left, right, bias, static_cast<std::byte*>(out));
  return multiply_single(p, left, right, static_cast<const std::byte*>(bias), static_cast<std::byte*>(out));
}

}  // namespace nyala::backend::onednn
