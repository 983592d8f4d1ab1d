#include "backend/cuda/sorted_sum.hpp"

#include <string>

#include <nyala/error.hpp>

namespace nyala::backend::cuda {

void SortedKeys::refuse(std::int64_t count) {
  throw Error("a sum over indices on a GPU takes fewer than 2^31 of them, got " + std::to_string(count));
}

}  // namespace nyala::backend::cuda
