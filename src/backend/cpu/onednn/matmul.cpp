#include <algorithm>
#include <array>
#include <memory>

#include "backend/cpu/amx/bfloat16_product.hpp"
#include "backend/cpu/amx/split_product.hpp"
#include "backend/cpu/onednn/bfloat16_matmul.hpp"
#include "backend/cpu/onednn/gemm.hpp"
#include "backend/cpu/onednn/onednn_kernels.hpp"
#include "backend/cpu/onednn/primitives.hpp"
#include "backend/cpu/reference/nn_support.hpp"
#include "backend/cpu/simd/nn_loops.hpp"
#include "backend/cpu/simd/simd_support.hpp"
#include "core/parallel.hpp"
#include "core/weight_forms.hpp"

namespace nyala::backend {

using onednn::Block;

namespace {

/// A product of bfloat16 matrices on the tile unit or by oneDNN; false, with nothing done, where neither will.
/// `before`: what the activation is applied to, if that is wanted too; on the tile unit only.
bool multiply_bfloat16(const onednn::Bfloat16Product& p, const Tensor& a, const Tensor& b, const Tensor& bias,
                       const Tensor& out, const Tensor& before = {}) {
  if (p.batch == 1 &&
      amx::multiply_halves({p.m, p.n, p.k, p.transpose_a, p.transpose_b, halves(a), halves(b), halves(bias),
                            p.activation, out.raw_data(), out.dtype() == DType::float32, halves(before)}))
    return true;
  if (out.dtype() == DType::float32 || before.defined()) return false;
  if (p.batch == 1 && p.m == 1 && !p.transpose_b && p.k > 0) {
    const auto halves = [](const Tensor& x) { return static_cast<const bfloat16*>(elements_of<void>(x)); };
    onednn::multiply_row(
        {p.k, p.n, halves(a), halves(b), halves(bias), p.activation, static_cast<bfloat16*>(out.raw_data())});
    return true;
  }
  return onednn::has_bfloat16() &&
         onednn::multiply_bfloat16(p, a.raw_data(), b.raw_data(), elements_of<void>(bias), out.raw_data());
}

/// A weight in parts for the tile unit, where they are kept and worth it; null where not.
std::shared_ptr<const amx::SplitFactors> split_factors(const Gemm& sizes, const Tensor& kernel) {
  constexpr std::int64_t most_rows = 256;  // with more of them each core's own copy is quicker to read
  if (sizes.m > most_rows || !amx::worth_tiles(sizes, true) || detail::kept_forms(kernel) == nullptr) return nullptr;
  static constexpr char as_parts = 0;  // its address
  const std::int64_t number = (sizes.n << 32 | sizes.k) * 2 + (sizes.transpose_b ? 1 : 0);
  return detail::form_of<amx::SplitFactors>(kernel, {&as_parts, number}, [&] {
    return detail::make_pooled<amx::SplitFactors>(sizes, elements_of<float>(kernel));
  });
}

}  // namespace

void OneDnnKernels::matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add,
                           Tensor& out) {
  const std::int64_t batch = out.shape()[0], m = out.shape()[1], n = out.shape()[2];
  const std::int64_t k = a.shape()[transpose_a ? 1 : 2];
  if (out.dtype() == DType::bfloat16 && !add &&
      multiply_bfloat16({batch, m, n, k, a.shape()[0], b.shape()[0], transpose_a, transpose_b, FusedActivation::none},
                        a, b, Tensor(), out))
    return;
  if (a.dtype() == DType::bfloat16 && out.dtype() == DType::float32) {
    const onednn::Bfloat16Product whole{
        batch, m, n, k, a.shape()[0], b.shape()[0], transpose_a, transpose_b, FusedActivation::none};
    if (multiply_bfloat16(whole, a, b, Tensor(), out)) return;
    Tensor rounded = Tensor::empty(out.shape(), DType::bfloat16);
    matmul(a, b, transpose_a, transpose_b, false, rounded);
    return cast(rounded, out);
  }
  if (out.dtype() != DType::float32) return SimdKernels::matmul(a, b, transpose_a, transpose_b, add, out);
  const std::int64_t step_a = a.shape()[0] == 1 ? 0 : m * k, step_b = b.shape()[0] == 1 ? 0 : k * n;
  const Gemm sizes{transpose_a, transpose_b, add, m, n, k, transpose_a ? m : k, transpose_b ? k : n, n};
  const float *left = elements_of<float>(a), *right = elements_of<float>(b);
  float* to = elements_of<float>(out);
  // Few products are cut themselves; many are shared out whole.
  if (batch < 4) {
    const auto split = b.shape()[0] == 1 && !add ? split_factors(sizes, b) : nullptr;
    for (std::int64_t i = 0; i < batch; ++i)
      onednn::parallel_product(
          sizes, left + i * step_a, right + i * step_b, to + i * m * n, [](const Block&) {}, split.get());
    return;
  }
  const std::int64_t grain = 1'000'000 / std::max<std::int64_t>(m * n * k, 1) + 1;
  detail::parallel_for(0, batch, grain, [&](std::int64_t first, std::int64_t last) {
    const detail::SingleThreadedOmp single;
    for (std::int64_t i = first; i < last; ++i)
      onednn::product(sizes, left + i * step_a, right + i * step_b, to + i * m * n);
  });
}

bool OneDnnKernels::widens_products(DType dtype) const { return dtype == DType::bfloat16 && amx::has_tiles(); }

void OneDnnKernels::dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation,
                          Tensor& before, Tensor& out, Tensor* mask) {
  const std::int64_t rows = x.shape()[0], in = kernel.shape()[0], units = kernel.shape()[1];
  if (out.dtype() == DType::bfloat16) {
    onednn::Bfloat16Product product{1, rows, units, in, 1, 1, false, false, activation};
    if (multiply_bfloat16(product, x, kernel, bias, out, before)) return;
    product.activation = FusedActivation::none;
    if (before.defined() && multiply_bfloat16(product, x, kernel, bias, before))
      return finish_activation(*this, activation, before, out);
  }
  if (out.dtype() != DType::float32) return SimdKernels::dense(x, kernel, bias, activation, before, out, mask);
  const Gemm sizes{false, false, false, rows, units, in, in, units, units};
  float *result = elements_of<float>(out), *sums = elements_of<float>(before);
  const float* shift = elements_of<float>(bias);
  const auto finish = [&](const Block& block) {
    const std::int64_t first = block.row * units + block.column;
    simd::nn_loops().finish({block.rows, block.columns, units, units, activation}, result + first,
                            shift == nullptr ? nullptr : shift + block.column, sums == nullptr ? nullptr : sums + first,
                            result + first);
  };
  const auto split = split_factors(sizes, kernel);
  if (shift == nullptr && sums == nullptr && activation == FusedActivation::none)
    return onednn::parallel_product(
        sizes, elements_of<float>(x), elements_of<float>(kernel), result, [](const Block&) {}, split.get());
  onednn::parallel_product(sizes, elements_of<float>(x), elements_of<float>(kernel), result, finish, split.get());
}

void OneDnnKernels::dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient,
                                   const AppliedActivation* applied, Tensor& dx, Tensor& dkernel, Tensor& dbias,
                                   Tensor& sums) {
  if (gradient.dtype() != DType::float32)
    return SimdKernels::dense_backward(x, kernel, gradient, applied, dx, dkernel, dbias, sums);
  const std::int64_t rows = gradient.shape()[0], units = gradient.shape()[1];
  const float* from = elements_of<float>(gradient);
  if (dx.defined()) {
    const std::int64_t in = kernel.shape()[0];
    onednn::parallel_product({false, true, false, rows, in, units, units, units, in}, from, elements_of<float>(kernel),
                             elements_of<float>(dx));
    if (applied != nullptr) activation_backward(*applied, dx, dx, sums);
  }
  if (dkernel.defined()) {
    const std::int64_t in = x.shape()[1];
    onednn::parallel_product({true, false, false, in, units, rows, in, units, units}, elements_of<float>(x), from,
                             elements_of<float>(dkernel));
  }
  const std::array<int, 1> first{0};
  if (dbias.defined()) reduce(Reduce::sum, gradient, first, dbias);
}

}  // namespace nyala::backend
