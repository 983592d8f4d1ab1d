#include <cstdlib>

#include "backend/nn_windows.hpp"
#include "compare.hpp"
#include "control.h"

using namespace gpu_check;

// With NVIDIA's library beside the stand-in (see ../dnn/mirror.cpp) every test of this program shows that it takes the
// module's tensors and operations; here, that it is asked.

TEST_CASE("softgpu: cuDNN itself takes the descriptors, where it is at hand") {
  const bool at_hand = std::getenv("NYALA_SOFTGPU_REAL_CUDNN") != nullptr;
  const Tensor x = there(noise({23, 8}, 1, DType::float32)), statistics = there(noise({8}, 2, DType::float32));
  Tensor y = there(noise({23, 8}, 3, DType::float32)), mean = statistics,
         variance = there(noise({8}, 4, DType::float32));
  softgpu_reset_counts();
  gpu().batch_norm_train(x, {}, {}, 1e-3, y, mean, variance);
  CHECK(softgpu_count("executions") == 1);
  // Six tensors, epsilon and the operation.
  CHECK(softgpu_count("mirrored") == (at_hand ? 8 : 0));
}
