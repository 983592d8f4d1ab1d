#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "backend/nn_check.hpp"

// The GPU module's kernels beside the CPU's reference, on the software GPU.

namespace gpu_check {

using namespace nn_check;
using nyala::Device;
using nyala::backend::Kernels;
using nyala::backend::ReferenceKernels;
using Tensors = std::vector<Tensor>;

inline Kernels& gpu() { return nyala::backend::kernels_for(Device("gpu")); }
inline Tensor there(const Tensor& x) { return x.defined() ? x.to(Device("gpu")) : x; }
inline Tensor here(const Tensor& x) { return x.defined() ? x.to(Device("cpu")) : x; }

inline Tensor in_dtype(const Tensor& x, DType dtype) {
  if (!x.defined() || x.dtype() == dtype) return x;
  Tensor out = Tensor::empty(x.shape(), dtype);
  ReferenceKernels().cast(x, out);
  return out;
}
/// Random numbers in any floating dtype.
inline Tensor noise(const Shape& shape, std::uint64_t seed, DType dtype) {
  return in_dtype(random(shape, seed, DType::float32), dtype);
}

inline double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::float64: return 1e-12;
    case DType::float16: return 2e-3;
    case DType::bfloat16: return 1.6e-2;
    default: return 1e-5;
  }
}

/// What run(kernels, in, out) puts into tensors like `outputs` (null ones stay null): on the GPU near the reference's,
/// and the same to the bit a second time. Every output begins as other numbers than it should end as.
inline void compare(const std::string& what, const Tensors& inputs, const Tensors& outputs, double tolerance,
                    const std::function<void(Kernels&, const Tensors&, Tensors&)>& run) {
  INFO(what);
  const auto begun = [&](std::uint64_t seed) {
    Tensors made;
    for (const Tensor& out : outputs) {
      Tensor other = out;
      if (out.defined()) {
        other = Tensor::empty(out.shape(), out.dtype());
        ReferenceKernels().cast(random(out.shape(), seed, DType::float32), other);
      }
      made.push_back(other);
    }
    return made;
  };
  ReferenceKernels reference;
  Tensors expected = begun(99);
  run(reference, inputs, expected);
  Tensors device_inputs;
  for (const Tensor& in : inputs) device_inputs.push_back(there(in));
  const auto on_gpu = [&](std::uint64_t seed) {
    Tensors results = begun(seed);
    for (Tensor& result : results) result = there(result);
    run(gpu(), device_inputs, results);
    for (Tensor& result : results) result = here(result);
    return results;
  };
  const Tensors found = on_gpu(98), again = on_gpu(97);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined()) continue;
    CAPTURE(i);
    CAPTURE(outputs[i].shape().str());
    CHECK(difference(found[i], expected[i]) < tolerance);
    CHECK(same_bits(again[i], found[i]));
  }
}

}  // namespace gpu_check
