#include <cstdio>

#include "control.h"
#include "runtime/state.hpp"

namespace {

thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;
bool broken = false;

struct Named {
  cudaError_t error;
  const char *name, *text;
};

#define NAMED(error, text) \
  Named { error, #error, text }
constexpr Named names[] = {NAMED(cudaSuccess, "no error"),
                           NAMED(cudaErrorInvalidValue, "invalid argument"),
                           NAMED(cudaErrorMemoryAllocation, "out of memory"),
                           NAMED(cudaErrorInitializationError, "initialization error"),
                           NAMED(cudaErrorInvalidConfiguration, "invalid configuration argument"),
                           NAMED(cudaErrorInvalidDevicePointer, "invalid device pointer"),
                           NAMED(cudaErrorInvalidMemcpyDirection, "invalid copy direction"),
                           NAMED(cudaErrorInsufficientDriver, "the driver is too old for this runtime"),
                           NAMED(cudaErrorNoDevice, "no device is there"),
                           NAMED(cudaErrorInvalidDevice, "no such device"),
                           NAMED(cudaErrorInvalidResourceHandle, "invalid handle"),
                           NAMED(cudaErrorNotReady, "not ready"),
                           NAMED(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
                           NAMED(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
                           NAMED(cudaErrorLaunchFailure, "launch failure"),
                           NAMED(cudaErrorNotSupported, "not supported"),
                           NAMED(cudaErrorSystemDriverMismatch, "driver and library do not match")};
#undef NAMED

}  // namespace

namespace softgpu {

cudaError_t fail(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t misuse(cudaError_t error, const std::string& message) {
  violation(message);
  return fail(error);
}

int current_device() { return device; }

cudaError_t usable() {
  if (setting("driver") < CUDART_VERSION / 1000 * 1000) return cudaErrorInsufficientDriver;
  if (setting("devices") == 0) return cudaErrorNoDevice;
  if (fault("illegal_address")) broken = true;
  return broken ? cudaErrorIllegalAddress : cudaSuccess;
}

}  // namespace softgpu

using softgpu::fail;
using softgpu::misuse;

extern "C" {

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = broken ? cudaErrorIllegalAddress : cudaSuccess;
  return error;
}
const char* cudaGetErrorName(cudaError_t error) {
  for (const Named& known : names)
    if (known.error == error) return known.name;
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) {
  for (const Named& known : names)
    if (known.error == error) return known.text;
  return "unrecognized error code";
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = static_cast<int>(softgpu::setting("driver"));
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* number) {
  const cudaError_t error = softgpu::usable();
  *number = error == cudaSuccess ? static_cast<int>(softgpu::setting("devices")) : 0;
  return fail(error);
}

cudaError_t cudaSetDevice(int wanted) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (wanted < 0 || wanted >= softgpu::setting("devices")) return fail(cudaErrorInvalidDevice);
  device = wanted;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int wanted) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  if (wanted < 0 || wanted >= softgpu::setting("devices")) return fail(cudaErrorInvalidDevice);
  *properties = {};
  std::snprintf(properties->name, sizeof properties->name, "software GPU %d", wanted);
  properties->totalGlobalMem = static_cast<std::size_t>(softgpu::setting("memory"));
  properties->major = static_cast<int>(softgpu::setting("capability") / 10);
  properties->minor = static_cast<int>(softgpu::setting("capability") % 10);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int wanted) {
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, wanted); error != cudaSuccess) return error;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = properties.major; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = properties.minor; return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported: *value = 1; return cudaSuccess;
  }
  return misuse(cudaErrorInvalidValue, "cudaDeviceGetAttribute: an attribute that the software GPU does not know");
}

cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* total) {
  if (const cudaError_t error = softgpu::usable(); error != cudaSuccess) return fail(error);
  const std::lock_guard lock(softgpu::state().mutex);
  *total = static_cast<std::size_t>(softgpu::setting("memory"));
  const std::size_t used = softgpu::state().used[static_cast<std::size_t>(device)];
  *available = *total > used ? *total - used : 0;
  return cudaSuccess;
}
}
