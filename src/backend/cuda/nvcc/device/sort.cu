#include "device/sort.hpp"

#include <cub/device/device_radix_sort.cuh>

namespace nyala::backend::cuda {

void sort_pairs(Context& context, std::int64_t count, const std::uint64_t* keys_in, std::uint64_t* keys_out,
                const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  if (count <= 0) return;
  const cudaStream_t stream = context.stream();
  const auto sort = [&](void* workspace, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(workspace, bytes, keys_in, keys_out, values_in, values_out,
                                           static_cast<std::int32_t>(count), 0, bits, stream);
  };
  // Without a workspace it says how many bytes it needs.
  std::size_t bytes = 0;
  check(sort(nullptr, bytes), "sort");
  const Scratch workspace = context.scratch(bytes == 0 ? 1 : bytes);
  check(sort(workspace.data(), bytes), "sort");
}

}  // namespace nyala::backend::cuda
