#include "backend/common/strided.hpp"

namespace nyala::backend {

StridedWalk::StridedWalk(const Shape& shape, std::span<const std::int64_t> axis_strides) {
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::int64_t size = shape[axis], stride = axis_strides[axis];
    if (size == 1) continue;
    const auto last = static_cast<std::size_t>(rank - 1);
    if (rank > 0 && strides[last] == stride * size) {
      sizes[last] *= size;
      strides[last] = stride;
    } else {
      sizes[last + 1] = size;
      strides[last + 1] = stride;
      ++rank;
    }
  }
  if (rank == 0) {
    rank = 1;
    sizes[0] = 1;
  }
  for (int axis = 0; axis + 1 < rank; ++axis) runs *= sizes[static_cast<std::size_t>(axis)];
}

}  // namespace nyala::backend
