#include <cstdlib>

#include "own/parts.hpp"

TEST_CASE("what the stand-in takes and NVIDIA's library does not is a broken rule, where that is at hand") {
  own::Parts p;
  // Six numbers, and four that reach as far.
  cudnnBackendDescriptor_t x = p.tensor(1, {1, 1, 2, 3}, CUDNN_DATA_FLOAT, own::Parts::passing),
                           y = p.tensor(2, {1, 1, 2, 2}, CUDNN_DATA_FLOAT, own::Parts::passing, {6, 6, 4, 1}),
                           made = p.make(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
  own::Parts::part(made, CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
  own::Parts::part(made, CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y);
  CHECK(p.keep(made) == CUDNN_STATUS_SUCCESS);
  if (std::getenv("NYALA_SOFTGPU_REAL_CUDNN") != nullptr) CHECK(own::taken("cuDNN itself refuses"));
  CHECK(softgpu_violations() == 0);
}
