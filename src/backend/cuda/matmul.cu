#include <type_traits>

#include "backend/common/dispatch.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/gemm.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

/// One element of a product of integers, which cuBLASLt has not; sums wrap around.
template <class T>
struct IntegerProduct {
  Gemm g;
  const T* a;
  const T* b;
  T* out;
  constexpr void operator()(std::int64_t i) const {
    using Wide = std::uint64_t;
    const std::int64_t column = i % g.n, row = i / g.n % g.m, matrix = i / (g.n * g.m);
    const T* left = a + matrix * g.step_a;
    const T* right = b + matrix * g.step_b;
    Wide sum = g.add ? static_cast<Wide>(out[i]) : 0;
    for (std::int64_t j = 0; j < g.k; ++j) {
      sum += static_cast<Wide>(left[g.transpose_a ? j * g.leading_a + row : row * g.leading_a + j]) *
             static_cast<Wide>(right[g.transpose_b ? column * g.leading_b + j : j * g.leading_b + column]);
    }
    out[i] = static_cast<T>(sum);
  }
};

}  // namespace

void CudaKernels::matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add, Tensor& out) {
  const std::int64_t k = a.shape()[transpose_a ? 1 : 2];
  if (out.size() == 0 || (k == 0 && add)) return;
  if (k == 0) return fill(out, 0.0);
  Gemm g = Gemm::packed(transpose_a, transpose_b, add, out.shape()[1], out.shape()[2], k);
  g.batch = out.shape()[0];
  g.step_a = a.shape()[0] == 1 ? 0 : g.m * g.k;
  g.step_b = b.shape()[0] == 1 ? 0 : g.k * g.n;
  g.step_out = g.m * g.n;
  if (is_floating(out.dtype())) return gemm(context_, out.dtype(), g, a.raw_data(), b.raw_data(), out.raw_data());
  visit_number(out.dtype(), "matmul", [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (!std::is_floating_point_v<T>)
      launch(context_.stream(), out.size(), IntegerProduct<T>{g, elements<T>(a), elements<T>(b), elements<T>(out)});
  });
}

}  // namespace nyala::backend::cuda
