#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/half.hpp"
#include "cuda_runtime.h"

namespace softgpu {

/// out (n, m) = b (n, k) · a (k, m), all row-major and packed; in other words column-major out = a · b. Summed in T in
/// the order of k.
void product(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b, float* out);
void product(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, const double* b, double* out);

inline std::size_t size_of(cudaDataType_t type) {
  return type == CUDA_R_64F ? 8 : type == CUDA_R_16F || type == CUDA_R_16BF ? 2 : 4;
}

/// An element of device memory as a number of the type that is computed in.
template <class T>
T load(cudaDataType_t type, const void* memory, std::int64_t i) {
  switch (type) {
    case CUDA_R_64F: return static_cast<T>(static_cast<const double*>(memory)[i]);
    case CUDA_R_16F: return static_cast<T>(static_cast<float>(static_cast<const nyala::float16*>(memory)[i]));
    case CUDA_R_16BF: return static_cast<T>(static_cast<float>(static_cast<const nyala::bfloat16*>(memory)[i]));
    default: return static_cast<T>(static_cast<const float*>(memory)[i]);
  }
}
template <class T>
void store(cudaDataType_t type, void* memory, std::int64_t i, T value) {
  switch (type) {
    case CUDA_R_64F: static_cast<double*>(memory)[i] = static_cast<double>(value); return;
    case CUDA_R_16F: static_cast<nyala::float16*>(memory)[i] = nyala::float16(value); return;
    case CUDA_R_16BF: static_cast<nyala::bfloat16*>(memory)[i] = nyala::bfloat16(value); return;
    default: static_cast<float*>(memory)[i] = static_cast<float>(value);
  }
}

/// What tensor cores see of a float32 in TF32: ten bits of fraction.
inline float tensor_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7F800000U) == 0x7F800000U) return value;
  return std::bit_cast<float>((bits + 0x0FFFU + (bits >> 13 & 1U)) & ~0x1FFFU);
}

}  // namespace softgpu
