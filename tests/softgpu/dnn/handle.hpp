#pragma once

#include <cudnn.h>

#include <string>

#include "runtime/engine.hpp"

struct cudnnContext {
  int device = 0;
  cudaStream_t stream = nullptr;
};

namespace softgpu::dnn {

/// Every descriptor and handle that was made and not destroyed.
void add_live(const void* thing);
/// False, with a violation, if there was none.
bool remove_live(const void* thing, const char* what);
bool is_live(const void* thing);

/// Notes the broken rule, keeps it for cudnnGetLastErrorString, and gives the status back.
cudnnStatus_t wrong(cudnnStatus_t status, const char* what, const std::string& why);
/// The same without a broken rule: what cuDNN may do to a caller who did nothing wrong.
cudnnStatus_t refuse(cudnnStatus_t status, const char* what, const std::string& why);

/// Success, or what is wrong with the handle here and now.
cudnnStatus_t check_handle(cudnnHandle_t handle, const char* what);

}  // namespace softgpu::dnn
