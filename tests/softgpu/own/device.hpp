#pragma once

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "control.h"

// What the stand-ins' own tests share.

namespace own {

struct Stream {
  Stream() { REQUIRE(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking) == cudaSuccess); }
  ~Stream() { cudaStreamDestroy(handle); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t handle = nullptr;
};

/// Numbers on the device.
class Block {
 public:
  Block(const Stream& stream, const std::vector<float>& values) : stream_(stream), bytes_(4 * values.size()) {
    REQUIRE(cudaMallocAsync(&data_, bytes_, stream.handle) == cudaSuccess);
    REQUIRE(cudaMemcpyAsync(data_, values.data(), bytes_, cudaMemcpyHostToDevice, stream.handle) == cudaSuccess);
  }
  ~Block() { cudaFreeAsync(data_, stream_.handle); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  void* data() const { return data_; }
  std::vector<float> floats() const {
    std::vector<float> out(bytes_ / 4);
    REQUIRE(cudaMemcpyAsync(out.data(), data_, bytes_, cudaMemcpyDeviceToHost, stream_.handle) == cudaSuccess);
    return out;
  }

 private:
  const Stream& stream_;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Takes the oldest violation and says whether its message has this part.
inline bool taken(const char* part) {
  const std::string message = softgpu_take_violation();
  cudaGetLastError();
  const bool found = message.find(part) != std::string::npos;
  if (!found) MESSAGE("the violation was: ", message);
  return found;
}

}  // namespace own
