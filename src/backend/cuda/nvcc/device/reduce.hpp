#pragma once

#include <algorithm>
#include <cstdint>

#include <cuda_runtime.h>

#include "backend/cuda/check.hpp"
#include "backend/cuda/context.hpp"

namespace nyala::backend::cuda {

/// Which elements of a reduction are neighbours in memory: load(r, i) and load(r, i + 1), or load(r, i) and
/// load(r + 1, i). Only speed depends on it.
enum class Neighbours { within_row, across_rows };

namespace kernel {

inline constexpr int reduce_threads = 256;

/// How the threads of a block share the work: `lanes` of them take the elements of one row, so that a block has
/// reduce_threads / lanes rows; every row is cut into `parts` for as many blocks. One kernel does all of this, told by
/// what it is given: compiling it twice for each functor costs more than a branch.
struct ReducePlan {
  bool across;  // the lanes of one row are not neighbours, the rows are
  int lanes;
  std::int64_t parts, part_size;
};

/// The elements of a row part, lane by lane; then the lanes are joined as a tree, whose shape depends on nothing else.
/// Sums of parts go to `partials`, those of whole rows (partials null) are stored.
template <class A, class Load, class Combine, class Store>
__global__ void __launch_bounds__(reduce_threads) reduce(std::int64_t rows, std::int64_t n, ReducePlan plan, A identity,
                                                         Load load, Combine combine, Store store, A* partials) {
  __shared__ alignas(16) unsigned char memory[reduce_threads * sizeof(A)];
  A* partial = reinterpret_cast<A*>(memory);
  const int rows_each = reduce_threads / plan.lanes;
  const int lane = plan.across ? static_cast<int>(threadIdx.x) / rows_each : static_cast<int>(threadIdx.x) % plan.lanes;
  const int row_in_block =
      plan.across ? static_cast<int>(threadIdx.x) % rows_each : static_cast<int>(threadIdx.x) / plan.lanes;
  const std::int64_t groups = (rows - 1) / rows_each + 1;
  for (std::int64_t task = blockIdx.x; task < groups * plan.parts; task += gridDim.x) {
    const std::int64_t part = task / groups, row = task % groups * rows_each + row_in_block;
    const std::int64_t first = part * plan.part_size;
    const std::int64_t last = first + plan.part_size < n ? first + plan.part_size : n;
    A value = identity;
    if (row < rows) {
      for (std::int64_t i = first + lane; i < last; i += plan.lanes) value = combine(value, load(row, i));
    }
    A* mine = partial + row_in_block * plan.lanes;
    mine[lane] = value;
    __syncthreads();
    for (int width = plan.lanes / 2; width > 0; width /= 2) {
      if (lane < width) mine[lane] = combine(mine[lane], mine[lane + width]);
      __syncthreads();
    }
    if (lane == 0 && row < rows) {
      if (partials == nullptr)
        store(row, mine[0]);
      else
        partials[row * plan.parts + part] = mine[0];
    }
    __syncthreads();
  }
}

template <class A>
struct LoadPartial {
  const A* partials;
  std::int64_t parts;
  constexpr A operator()(std::int64_t row, std::int64_t part) const { return partials[row * parts + part]; }
};
template <class A, class Load, class Combine, class Store>
void launch_reduce(cudaStream_t stream, std::int64_t rows, std::int64_t n, ReducePlan plan, A identity,
                   const Load& load, const Combine& combine, const Store& store, A* partials) {
  const std::int64_t rows_each = reduce_threads / plan.lanes;
  const std::int64_t tasks = ((rows - 1) / rows_each + 1) * plan.parts;
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(tasks, 1 << 16));
  reduce<<<blocks, reduce_threads, 0, stream>>>(rows, n, plan, identity, load, combine, store, partials);
  check(cudaGetLastError(), "reduce");
}

}  // namespace kernel

/// store(r, load(r, 0) + … + load(r, n - 1)) for every r in [0, rows), where + is combine, associative and commutative
/// but for rounding, and A a trivially copyable type; store(r, identity) if n is 0. The order in which elements are
/// joined depends on rows, n and neighbours only, so that results are the same each time.
template <class A, class Load, class Combine, class Store>
void reduce(Context& context, std::int64_t rows, std::int64_t n, Neighbours neighbours, A identity, const Load& load,
            const Combine& combine, const Store& store) {
  static_assert(sizeof(A) * kernel::reduce_threads <= 32768);
  if (rows <= 0) return;
  constexpr std::int64_t wanted_blocks = 512, smallest_part = 2048;
  kernel::ReducePlan plan{};
  plan.across = neighbours == Neighbours::across_rows;
  if (plan.across)
    plan.lanes = rows >= 32 ? 8 : rows >= 4 ? 64 : kernel::reduce_threads;
  else
    plan.lanes = n <= 512 ? 32 : kernel::reduce_threads;
  const std::int64_t rows_each = kernel::reduce_threads / plan.lanes;
  const std::int64_t groups = (rows - 1) / rows_each + 1;
  const std::int64_t least = std::max<std::int64_t>(smallest_part / rows_each, 64);
  plan.parts = std::clamp<std::int64_t>(std::min(wanted_blocks / groups, n / least), 1, 512);
  plan.part_size = n == 0 ? 0 : (n - 1) / plan.parts + 1;
  const cudaStream_t stream = context.stream();
  if (plan.parts == 1) {
    kernel::launch_reduce<A>(stream, rows, n, plan, identity, load, combine, store, nullptr);
    return;
  }
  const Scratch partials = context.scratch_of<A>(rows * plan.parts);
  A* const kept = partials.as<A>();
  kernel::launch_reduce(stream, rows, n, plan, identity, load, combine, store, kept);
  const kernel::ReducePlan second{.across = false, .lanes = 32, .parts = 1, .part_size = plan.parts};
  kernel::launch_reduce<A>(stream, rows, plan.parts, second, identity, kernel::LoadPartial<A>{kept, plan.parts},
                           combine, store, nullptr);
}

}  // namespace nyala::backend::cuda
