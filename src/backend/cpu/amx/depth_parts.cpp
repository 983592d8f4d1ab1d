#include "backend/cpu/amx/depth_parts.hpp"

#include <algorithm>

#include "backend/cpu/amx/split_blocks.hpp"
#include "backend/cpu/scratch.hpp"
#include "backend/cpu/simd/table.hpp"
#include "core/parallel.hpp"

namespace nyala::backend::amx {

std::int64_t depth_parts(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t worth_a_chunk) {
  constexpr std::int64_t longest_side = 512, fewest = 512, most = 4;
  if (std::max(m, n) > longest_side || m * n * k < 4 * worth_a_chunk) return 1;
  const std::int64_t parts = std::min(k / fewest, most);
  return parts < 2 ? 1 : parts / 2 * 2;
}

void sum_parts(const Gemm& sizes, std::int64_t parts, float* c, detail::FunctionRef<void(const DepthPart&)> multiply,
               detail::FunctionRef<void(const Block&)> finish) {
  constexpr std::int64_t worth_adding = 32768;  // numbers
  const std::int64_t length = round_up((sizes.k - 1) / parts + 1, block_side), size = sizes.m * sizes.n;
  const Scratch memory(static_cast<std::size_t>((parts - 1) * size) * sizeof(float));
  float* const others = static_cast<float*>(memory.get());
  detail::parallel_chunks(0, parts, 1, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = part * length, depth = std::min(length, sizes.k - first);
      if (part == 0)
        multiply({first, depth, c, sizes.stride_c});
      else
        multiply({first, depth, others + (part - 1) * size, sizes.n});
    }
  });
  const std::int64_t grain = std::max<std::int64_t>(1, worth_adding / sizes.n);
  detail::parallel_for(0, sizes.m, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t part = 0; part < parts - 1; ++part)
        simd_table("avx512")->add_to(others + part * size + row * sizes.n, c + row * sizes.stride_c, sizes.n);
    finish({begin, end - begin, 0, sizes.n});
  });
}

}  // namespace nyala::backend::amx
