#include "backend/cuda/check.hpp"

#include <array>
#include <string>

#include <nyala/error.hpp>

namespace nyala::backend::cuda {
namespace {

/// After these every further call fails too.
bool sticky(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorAssert:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorECCUncorrectable: return true;
    default: return false;
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // else the next call would report it again
  std::string message = std::string(what) + ": " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")";
  if (sticky(status)) message += "; the GPU cannot be used any more by this process, which must be started again";
  throw Error(message);
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(std::string(what) + ": cuBLASLt: " + cublasLtGetStatusName(status) + " (" +
              cublasLtGetStatusString(status) + ")");
}

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> details{};
  cudnnGetLastErrorString(details.data(), details.size());
  std::string message = std::string(what) + ": cuDNN: " + cudnnGetErrorString(status);
  if (details.front() != '\0') message += std::string(" (") + details.data() + ")";
  throw Error(message);
}

}  // namespace nyala::backend::cuda
