#include <sys/wait.h>

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include "control.h"
#include "own/device.hpp"
#include "runtime/engine.hpp"

// The stand-ins' own tests: what they must catch, done on purpose.

namespace {

/// How a child process ends that does this: its exit code, or minus the signal.
template <class F>
int ending(F act) {
  const pid_t child = fork();
  if (child == 0) {
    // The parent's handlers would report the signal as a failed test.
    for (const int signal : {SIGSEGV, SIGABRT, SIGBUS}) std::signal(signal, SIG_DFL);
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

using own::Stream;

void* device_block(cudaStream_t stream, std::size_t bytes) {
  void* pointer = nullptr;
  REQUIRE(cudaMallocAsync(&pointer, bytes, stream) == cudaSuccess);
  return pointer;
}

std::vector<std::uint8_t> contents(const void* pointer, std::size_t bytes, cudaStream_t stream) {
  std::vector<std::uint8_t> out(bytes);
  REQUIRE(cudaMemcpyAsync(out.data(), pointer, bytes, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  return out;
}

}  // namespace

TEST_CASE("device memory cannot be touched by the host") {
  const Stream stream;
  void* memory = device_block(stream.handle, 1000);
  CHECK(cudaStreamSynchronize(stream.handle) == cudaSuccess);
  CHECK(ending([&] { std::_Exit(*static_cast<volatile char*>(memory) == 1 ? 1 : 2); }) == -SIGSEGV);
  CHECK(ending([&] { *static_cast<volatile char*>(memory) = 1; }) == -SIGSEGV);
  cudaFreeAsync(memory, stream.handle);
}

TEST_CASE("fresh memory is NaN, copies are late, and what runs in one stream runs in order") {
  const Stream stream;
  void* memory = device_block(stream.handle, 4);
  for (const std::uint8_t byte : contents(memory, 4, stream.handle)) CHECK(byte == 0xFF);
  float value = 3.0F;
  CHECK(cudaMemcpyAsync(memory, &value, 4, cudaMemcpyHostToDevice, stream.handle) == cudaSuccess);
  value = 4.0F;  // pageable memory was read before the call came back
  const auto bytes = contents(memory, 4, stream.handle);
  std::memcpy(&value, bytes.data(), 4);
  CHECK(value == 3.0F);
  cudaFreeAsync(memory, stream.handle);
}

TEST_CASE("pinned memory is read when the copy runs, not when it is asked for") {
  const Stream stream;
  void *memory = device_block(stream.handle, 4), *pinned = nullptr;
  REQUIRE(cudaMallocHost(&pinned, 4) == cudaSuccess);
  int seen_late = 0;
  for (int attempt = 0; attempt < 50; ++attempt) {
    std::memset(pinned, 1, 4);
    CHECK(cudaMemcpyAsync(memory, pinned, 4, cudaMemcpyHostToDevice, stream.handle) == cudaSuccess);
    std::memset(pinned, 2, 4);
    seen_late += contents(memory, 4, stream.handle)[0] == 2 ? 1 : 0;
  }
  CHECK(seen_late > 0);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
  cudaFreeAsync(memory, stream.handle);
}

TEST_CASE("wrong uses of memory are noticed") {
  const Stream stream, other;
  void* memory = device_block(stream.handle, 100);
  SUBCASE("double free") {
    void* twice = device_block(stream.handle, 8);
    CHECK(cudaFreeAsync(twice, stream.handle) == cudaSuccess);
    CHECK(cudaFreeAsync(twice, stream.handle) != cudaSuccess);
    CHECK(own::taken("freed already"));
  }
  SUBCASE("use after free") {
    void* gone = device_block(stream.handle, 8);
    cudaFreeAsync(gone, stream.handle);
    CHECK(cudaMemsetAsync(gone, 0, 8, stream.handle) != cudaSuccess);
    CHECK(own::taken("freed"));
  }
  SUBCASE("beyond the end") {
    CHECK(cudaMemsetAsync(memory, 0, 101, stream.handle) != cudaSuccess);
    CHECK(own::taken("101 bytes at 0 of a block of 100"));
  }
  SUBCASE("red zone") {
    softgpu::enqueue(stream.handle, "test", {}, [memory] { static_cast<char*>(memory)[100] = 0; });
    softgpu_check();
    CHECK(own::taken("after a block of 100 bytes"));
    softgpu::enqueue(stream.handle, "test", {}, [memory] { static_cast<char*>(memory)[100] = char(0xFA); });
  }
  SUBCASE("the other stream has not waited for the allocation") {
    CHECK(cudaMemsetAsync(memory, 0, 100, other.handle) != cudaSuccess);
    CHECK(own::taken("another stream allocates"));
  }
  SUBCASE("nor for a write, until it does") {
    CHECK(cudaMemsetAsync(memory, 0, 100, stream.handle) == cudaSuccess);
    cudaEvent_t event = nullptr;
    REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
    cudaEventRecord(event, stream.handle);
    CHECK(cudaMemsetAsync(memory, 1, 100, stream.handle) == cudaSuccess);
    cudaStreamWaitEvent(other.handle, event);
    CHECK(cudaMemsetAsync(memory, 2, 100, other.handle) != cudaSuccess);
    CHECK(own::taken("another stream writes"));
    cudaEventRecord(event, stream.handle);
    cudaStreamWaitEvent(other.handle, event);
    CHECK(cudaMemsetAsync(memory, 2, 100, other.handle) == cudaSuccess);
    CHECK(cudaFreeAsync(memory, stream.handle) != cudaSuccess);
    CHECK(own::taken("still uses"));
    CHECK(cudaStreamSynchronize(other.handle) == cudaSuccess);
    cudaEventDestroy(event);
  }
  SUBCASE("the default stream, a closed stream, a wrong direction") {
    CHECK(cudaMemsetAsync(memory, 0, 1, nullptr) != cudaSuccess);
    CHECK(own::taken("default stream"));
    cudaStream_t closed = nullptr;
    cudaStreamCreateWithFlags(&closed, cudaStreamNonBlocking);
    cudaStreamDestroy(closed);
    CHECK(cudaStreamSynchronize(closed) != cudaSuccess);
    CHECK(own::taken("destroyed"));
    char host = 0;
    CHECK(cudaMemcpyAsync(memory, &host, 1, cudaMemcpyDeviceToHost, stream.handle) != cudaSuccess);
    CHECK(own::taken("direction"));
  }
  SUBCASE("pinned memory freed while a copy is queued") {
    void* pinned = nullptr;
    cudaMallocHost(&pinned, 100);
    cudaMemcpyAsync(memory, pinned, 100, cudaMemcpyHostToDevice, stream.handle);
    CHECK(cudaFreeHost(pinned) != cudaSuccess);
    CHECK(own::taken("still uses"));
    cudaStreamSynchronize(stream.handle);
    CHECK(cudaFreeHost(pinned) == cudaSuccess);
  }
  SUBCASE("a launch whose parameters point to the host") {
    const int on_host = 0;
    const int* parameter = &on_host;
    CHECK(softgpu::enqueue_launch(stream.handle, "kernel", &parameter, sizeof parameter, [] {}) != cudaSuccess);
    CHECK(own::taken("memory of the host"));
    CHECK(softgpu::enqueue_launch(stream.handle, "kernel", &memory, sizeof memory, [] {}) == cudaSuccess);
  }
  cudaStreamSynchronize(stream.handle);
  cudaFreeAsync(memory, stream.handle);
  CHECK(softgpu_violations() == 0);
}

TEST_CASE("faults on demand") {
  const Stream stream;
  void* memory = nullptr;
  softgpu_fail("allocation", 2);
  CHECK(cudaMallocAsync(&memory, 8, stream.handle) == cudaSuccess);
  void* second = nullptr;
  CHECK(cudaMallocAsync(&second, 8, stream.handle) == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
  CHECK(cudaGetLastError() == cudaSuccess);
  softgpu_fail("launch", 1);
  CHECK(softgpu::enqueue_launch(stream.handle, "kernel", nullptr, 0, [] {}) == cudaErrorLaunchOutOfResources);
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  softgpu_set("devices", 0);
  int number = 7;
  CHECK(cudaGetDeviceCount(&number) == cudaErrorNoDevice);
  CHECK(number == 0);
  softgpu_set("devices", 1);
  softgpu_set("driver", 12000);
  CHECK(cudaGetDeviceCount(&number) == cudaErrorInsufficientDriver);
  softgpu_set("driver", 13000);
  cudaGetLastError();
  softgpu_set("memory", 1000);
  CHECK(cudaMallocAsync(&second, 1000, stream.handle) == cudaErrorMemoryAllocation);
  cudaGetLastError();
  CHECK(cudaFreeAsync(memory, stream.handle) == cudaSuccess);
  CHECK(cudaMallocAsync(&second, 1000, stream.handle) == cudaSuccess);
  CHECK(cudaFreeAsync(second, stream.handle) == cudaSuccess);
  softgpu_set("memory", 8L << 30);
}

TEST_CASE("a violation that nobody takes fails the process") {
  CHECK(ending([] {
          softgpu::violation("on purpose");
          std::exit(0);
        }) == 86);
}

TEST_CASE("kinds of faults and counts that do not exist are broken rules, not tests that cannot fail") {
  softgpu_fail("heuristics", 1);
  CHECK(own::taken("no kind of fault: heuristics"));
  CHECK(softgpu_count("launch") == 0);
  CHECK(own::taken("no kind of count: launch"));
  CHECK(softgpu_violations() == 0);
}
