#include "device/sort.hpp"

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_sort.cuh>

namespace nyala::backend::cuda {
namespace {

struct RowStart {
  std::int64_t n;
  constexpr std::int64_t operator()(std::int64_t row) const { return row * n; }
};

/// call(workspace or null, bytes) says how many bytes it needs if it is given null.
template <class F>
void with_workspace(Context& context, const char* what, F&& call) {
  std::size_t bytes = 0;
  check(call(nullptr, bytes), what);
  const Scratch workspace = context.scratch(bytes == 0 ? 1 : bytes);
  check(call(workspace.data(), bytes), what);
}

template <class Key>
void sort(Context& context, std::int64_t rows, std::int64_t n, const Key* keys_in, Key* keys_out,
          const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  if (rows <= 0 || n <= 0) return;
  const cudaStream_t stream = context.stream();
  if (rows == 1) {
    with_workspace(context, "sort", [&](void* workspace, std::size_t& bytes) {
      return cub::DeviceRadixSort::SortPairs(workspace, bytes, keys_in, keys_out, values_in, values_out, n, 0, bits,
                                             stream);
    });
    return;
  }
  const auto starts = thrust::make_transform_iterator(thrust::counting_iterator<std::int64_t>(0), RowStart{n});
  with_workspace(context, "sort", [&](void* workspace, std::size_t& bytes) {
    return cub::DeviceSegmentedSort::StableSortPairs(workspace, bytes, keys_in, keys_out, values_in, values_out,
                                                     rows * n, rows, starts, starts + 1, stream);
  });
}

}  // namespace

void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint32_t* keys_in,
               std::uint32_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  sort(context, rows, n, keys_in, keys_out, values_in, values_out, bits);
}

void sort_rows(Context& context, std::int64_t rows, std::int64_t n, const std::uint64_t* keys_in,
               std::uint64_t* keys_out, const std::int32_t* values_in, std::int32_t* values_out, int bits) {
  sort(context, rows, n, keys_in, keys_out, values_in, values_out, bits);
}

}  // namespace nyala::backend::cuda
