#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <typeinfo>

#include <cuda_runtime.h>

#include "backend/cuda/check.hpp"
#include "runtime/engine.hpp"

// How the software GPU runs what src/backend/cuda/nvcc/device runs on a real one: same names, same contracts. A launch
// keeps a bitwise copy of its functors, whose pointers are checked, and runs later on the stream's thread.

namespace nyala::backend::cuda {

namespace kernel {

/// The parameters of a launch in one block, as a GPU gets them.
template <class Parameters, class Run>
void enqueue(cudaStream_t stream, const char* what, const Parameters& parameters, Run run) {
  static_assert(std::is_trivially_copyable_v<Parameters>, "the parameters of a launch are copied bitwise");
  static_assert(sizeof(Parameters) <= 32764, "a launch takes at most 32764 bytes of parameters");
  Parameters copied = parameters;
  std::size_t looked_at = 0;
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
  // What is left in the gaps between members may look like a pointer. Where the compiler cannot clear them (clang 16),
  // the parameters' pointers are not checked.
  __builtin_clear_padding(&copied);
  looked_at = sizeof copied;
#endif
  softgpu::enqueue_launch(stream, typeid(Parameters).name(), &copied, looked_at,
                          [parameters, run, turn = softgpu::random_number()] { run(parameters, turn); });
  check(cudaGetLastError(), what);
}

/// visit(i) for all i in one of several orders: results must not depend on which.
template <class Visit>
void for_each(std::int64_t count, std::uint32_t turn, const Visit& visit) {
  switch (turn % 3) {
    case 0:
      for (std::int64_t i = 0; i < count; ++i) visit(i);
      return;
    case 1:
      for (std::int64_t i = count - 1; i >= 0; --i) visit(i);
      return;
    default:
      for (std::int64_t i = 1; i < count; i += 2) visit(i);
      for (std::int64_t i = 0; i < count; i += 2) visit(i);
  }
}

}  // namespace kernel

/// functor(i) for every i in [0, count), in any order and at the same time; the functor is copied, bitwise.
template <class F>
void launch(cudaStream_t stream, std::int64_t count, const F& functor) {
  if (count <= 0) return;
  kernel::enqueue(stream, "launch", functor, [count](const F& copied, std::uint32_t turn) {
    kernel::for_each(count, turn, [&](std::int64_t i) { copied(i); });
  });
}

}  // namespace nyala::backend::cuda
