#pragma once

#include <algorithm>
#include <cstdint>

#include <cuda_runtime.h>

#include "backend/cuda/check.hpp"

// This folder alone knows how a GPU runs things; tests/softgpu has the same files for the software GPU. All else is
// written as functors: structs of a template whose operator() is constexpr (no lambdas, which nvcc refuses here), so
// that one source serves both: nvcc compiles constexpr functions for the device too (--expt-relaxed-constexpr).

namespace nyala::backend::cuda {

namespace kernel {

inline constexpr int block_size = 256;

template <class F>
__global__ void __launch_bounds__(block_size) for_each(std::int64_t count, F functor) {
  const std::int64_t step = std::int64_t{gridDim.x} * block_size;
  for (std::int64_t i = std::int64_t{blockIdx.x} * block_size + threadIdx.x; i < count; i += step) functor(i);
}

/// The same for a functor that holds a table: read where the launch put it, never copied by a thread.
template <class F>
__global__ void __launch_bounds__(block_size) for_each_by_table(std::int64_t count, const __grid_constant__ F functor) {
  const std::int64_t step = std::int64_t{gridDim.x} * block_size;
  for (std::int64_t i = std::int64_t{blockIdx.x} * block_size + threadIdx.x; i < count; i += step) functor(i);
}

}  // namespace kernel

/// functor(i) for every i in [0, count), in any order and at the same time; the functor is copied, bitwise.
template <class F>
void launch(cudaStream_t stream, std::int64_t count, const F& functor) {
  if (count <= 0) return;
  constexpr std::int64_t most_blocks = 1 << 16;
  const std::int64_t blocks = std::min((count - 1) / kernel::block_size + 1, most_blocks);
  if constexpr (sizeof(F) > 1024)
    kernel::for_each_by_table<<<static_cast<unsigned>(blocks), kernel::block_size, 0, stream>>>(count, functor);
  else
    kernel::for_each<<<static_cast<unsigned>(blocks), kernel::block_size, 0, stream>>>(count, functor);
  check(cudaGetLastError(), "launch");
}

}  // namespace nyala::backend::cuda
