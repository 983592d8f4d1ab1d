#include <cstdint>

#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/dispatch.hpp"
#include "backend/cuda/gemm.hpp"
#include "device/launch.hpp"

namespace nyala::backend::cuda {
namespace {

/// One element of a product of integers, which cuBLASLt has not; sums wrap around.
struct IntegerProduct {
  Gemm g;
  Elements a, b;
  Results out;
  constexpr void operator()(std::int64_t i) const {
    const std::int64_t column = i % g.n, row = i / g.n % g.m, matrix = i / (g.n * g.m);
    const std::int64_t left = matrix * g.step_a, right = matrix * g.step_b;
    std::uint64_t sum = g.add ? Elements{out.data, out.dtype}.get<std::uint64_t>(i) : 0;
    for (std::int64_t j = 0; j < g.k; ++j) {
      sum += a.get<std::uint64_t>(left + (g.transpose_a ? j * g.leading_a + row : row * g.leading_a + j)) *
             b.get<std::uint64_t>(right + (g.transpose_b ? column * g.leading_b + j : j * g.leading_b + column));
    }
    out.set(i, sum);
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
  if (out.dtype() == DType::boolean) refuse_dtype("matmul", out.dtype());
  launch(context_.stream(), out.size(), IntegerProduct{g, elements_of(a), elements_of(b), results_of(out)});
}

}  // namespace nyala::backend::cuda
