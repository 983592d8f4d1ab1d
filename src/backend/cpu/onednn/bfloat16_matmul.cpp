#include "backend/cpu/onednn/bfloat16_matmul.hpp"

#include <algorithm>

#include "backend/cpu/onednn/primitives.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::onednn {
namespace {

using dnnl::memory;
constexpr auto bfloat16 = memory::data_type::bf16;
constexpr std::int64_t bytes = 2;
constexpr std::int64_t worth_a_strip = 8'000'000;  // multiplications

/// `rows` rows of every matrix of a batch.
Prepared make(const Bfloat16Product& p, std::int64_t batch, std::int64_t rows, bool biased) {
  using Sizes = memory::dims;
  const Description a({p.batch_a == 1 ? 1 : batch, rows, p.k}, bfloat16,
                      p.transpose_a ? Sizes{p.m * p.k, 1, p.m} : Sizes{p.m * p.k, p.k, 1});
  const Description b({p.batch_b == 1 ? 1 : batch, p.k, p.n}, bfloat16,
                      p.transpose_b ? Sizes{p.n * p.k, 1, p.k} : Sizes{p.n * p.k, p.n, 1});
  const Description c({batch, rows, p.n}, bfloat16, Sizes{p.m * p.n, p.n, 1});
  dnnl::primitive_attr attributes = caller_scratchpad();
  add_activation(attributes, p.activation);
  Prepared result;
  result.bias = biased ? Description({1, 1, p.n}, bfloat16, Sizes{p.n, p.n, 1}) : Description();
  const auto description = describe_matmul(cpu_engine(), a, b, result.bias, c, attributes);
  if (!description) return result;
  result.primitive = dnnl::primitive(description);
  result.source = a;
  result.weights = b;
  result.target = c;
  result.scratchpad = description.scratchpad_desc();
  return result;
}

std::shared_ptr<const Prepared> prepare(const Bfloat16Product& p, std::int64_t batch, std::int64_t rows, bool biased) {
  PrimitiveKey key;
  key.add(4);
  key.add_all(std::initializer_list<std::int64_t>{batch, rows, p.m, p.n, p.k, p.batch_a == 1, p.batch_b == 1,
                                                  p.transpose_a, p.transpose_b, biased,
                                                  static_cast<std::int64_t>(p.activation)});
  return prepared(key, [&] { return make(p, batch, rows, biased); });
}

}  // namespace

bool multiply_bfloat16(const Bfloat16Product& p, const void* a, const void* b, const void* bias, void* out) {
  if (p.batch * p.m * p.n * p.k == 0) return false;
  const detail::SingleThreadedOmp single;
  // Strips of rows of a single matrix, or whole matrices of a batch.
  const bool strips = p.batch == 1;
  const std::int64_t length = strips ? p.m : p.batch, finest = strips ? 32 : 1;
  const std::int64_t wanted = std::clamp<std::int64_t>(p.batch * p.m * p.n * p.k / worth_a_strip, 1,
                                                       std::clamp<std::int64_t>(length / finest, 1, 16));
  const std::int64_t step = (length - 1) / wanted + 1, count = (length - 1) / step + 1;
  const auto primitive_of = [&](std::int64_t begin) {
    const std::int64_t size = std::min(step, length - begin);
    return prepare(p, strips ? 1 : size, strips ? size : p.m, bias != nullptr);
  };
  const auto first = primitive_of(0), last = primitive_of((count - 1) * step);
  if (!first->usable() || !last->usable()) return false;
  detail::parallel_chunks(0, count, 1, [&](std::int64_t, std::int64_t from, std::int64_t to) {
    const detail::SingleThreadedOmp quiet;
    for (std::int64_t i = from; i < to; ++i) {
      const std::int64_t begin = i * step;
      const Prepared& part = i + 1 == count ? *last : *first;
      const std::int64_t in_a = strips ? begin * (p.transpose_a ? 1 : p.k) : p.batch_a == 1 ? 0 : begin * p.m * p.k;
      const std::int64_t in_b = strips || p.batch_b == 1 ? 0 : begin * p.k * p.n;
      const std::int64_t in_out = begin * (strips ? p.n : p.m * p.n);
      execute(part.primitive, part.scratchpad,
              {{DNNL_ARG_SRC, part.source, static_cast<const std::byte*>(a) + in_a * bytes},
               {DNNL_ARG_WEIGHTS, part.weights, static_cast<const std::byte*>(b) + in_b * bytes},
               {DNNL_ARG_BIAS, part.bias, bias},
               {DNNL_ARG_DST, part.target, static_cast<std::byte*>(out) + in_out * bytes}});
    }
  });
  return true;
}

}  // namespace nyala::backend::onednn
