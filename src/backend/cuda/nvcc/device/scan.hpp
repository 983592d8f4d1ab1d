#pragma once

#include <algorithm>
#include <cstdint>

#include <cuda_runtime.h>
#include <cub/block/block_scan.cuh>

#include "backend/cuda/check.hpp"
#include "backend/cuda/context.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {

namespace kernel {

inline constexpr int scan_threads = 256;

template <class A, class Load, class Combine, class Store>
__global__ void __launch_bounds__(scan_threads)
    scan_row(std::int64_t rows, std::int64_t n, A identity, Load load, Combine combine, Store store) {
  using Scan = cub::BlockScan<A, scan_threads>;
  __shared__ typename Scan::TempStorage storage;
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    A carried = identity;
    for (std::int64_t first = 0; first < n; first += scan_threads) {
      const std::int64_t i = first + threadIdx.x;
      const A own = i < n ? load(row, i) : identity;
      A until = identity, total = identity;
      Scan(storage).InclusiveScan(own, until, combine, total);
      if (i < n) store(row, i, combine(carried, until));
      carried = combine(carried, total);
      __syncthreads();
    }
  }
}

template <class A, class Load, class Combine, class Store>
struct ScanAlone {
  std::int64_t n;
  A identity;
  Load load;
  Combine combine;
  Store store;
  constexpr void operator()(std::int64_t row) const {
    A total = identity;
    for (std::int64_t i = 0; i < n; ++i) {
      total = combine(total, load(row, i));
      store(row, i, total);
    }
  }
};

}  // namespace kernel

/// store(r, i, load(r, 0) + … + load(r, i)) for every r in [0, rows) and i in [0, n), where + is combine, associative
/// but for rounding. store may write what load has read at the same place. Results are the same each time.
template <class A, class Load, class Combine, class Store>
void scan(Context& context, std::int64_t rows, std::int64_t n, A identity, const Load& load, const Combine& combine,
          const Store& store) {
  if (rows <= 0 || n <= 0) return;
  const cudaStream_t stream = context.stream();
  if (n <= 32 || rows >= 16384) {
    launch(stream, rows, kernel::ScanAlone<A, Load, Combine, Store>{n, identity, load, combine, store});
    return;
  }
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>(rows, 1 << 16));
  kernel::scan_row<<<blocks, kernel::scan_threads, 0, stream>>>(rows, n, identity, load, combine, store);
  check(cudaGetLastError(), "scan");
}

}  // namespace nyala::backend::cuda
