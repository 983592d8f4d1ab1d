#include "dnn/handle.hpp"

#include <cstdio>
#include <mutex>
#include <set>

namespace softgpu::dnn {
namespace {

std::mutex& mutex() {
  static std::mutex& only = *new std::mutex;
  return only;
}
std::set<const void*>& live() {
  static std::set<const void*>& all = *new std::set<const void*>;
  return all;
}

thread_local std::string last_message;

}  // namespace

void add_live(const void* thing) {
  const std::lock_guard lock(mutex());
  live().insert(thing);
}

bool remove_live(const void* thing, const char* what) {
  {
    const std::lock_guard lock(mutex());
    if (live().erase(thing) != 0) return true;
  }
  violation(std::string(what) + ": not a handle, or one that was destroyed");
  return false;
}

bool is_live(const void* thing) {
  const std::lock_guard lock(mutex());
  return live().contains(thing);
}

cudnnStatus_t wrong(cudnnStatus_t status, const char* what, const std::string& why) {
  violation(std::string(what) + ": " + why);
  return refuse(status, what, why);
}

cudnnStatus_t refuse(cudnnStatus_t status, const char* what, const std::string& why) {
  last_message = std::string(what) + ": " + why;
  return status;
}

cudnnStatus_t check_handle(cudnnHandle_t handle, const char* what) {
  if (!is_live(handle)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a handle, or one that was destroyed");
  if (handle->device != current_device())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "a handle of another device than the current");
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace softgpu::dnn

extern "C" {

std::size_t cudnnGetVersion() { return static_cast<std::size_t>(softgpu::setting("cudnn")); }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH: return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED: return "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED";
    case CUDNN_STATUS_EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR: return "CUDNN_STATUS_INTERNAL_ERROR";
    default: return status >= CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED" : "CUDNN_STATUS_BAD_PARAM";
  }
}

void cudnnGetLastErrorString(char* message, std::size_t size) {
  if (size > 0) std::snprintf(message, size, "%s", softgpu::dnn::last_message.c_str());
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  if (softgpu::usable() != cudaSuccess || softgpu::fault("handle")) return CUDNN_STATUS_NOT_INITIALIZED;
  *handle = new cudnnContext{softgpu::current_device(), nullptr};
  softgpu::dnn::add_live(*handle);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  if (!softgpu::dnn::remove_live(handle, "cudnnDestroy")) return CUDNN_STATUS_BAD_PARAM;
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  if (const cudnnStatus_t status = softgpu::dnn::check_handle(handle, "cudnnSetStream"); status != CUDNN_STATUS_SUCCESS)
    return status;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
}
