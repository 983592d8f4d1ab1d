#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

namespace nyala::backend::cuda {

/// Throws Error, "WHAT: NAME (explanation)", unless the call succeeded. For a sticky fault of the device (an illegal
/// address, …) it says that the process must be started again.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);
void check(cudnnStatus_t status, const char* what);

/// Whether cuDNN may do it another way, or we: a refusal, not a fault of the device or of the call.
inline bool refused(cudnnStatus_t status) { return CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED; }

}  // namespace nyala::backend::cuda
