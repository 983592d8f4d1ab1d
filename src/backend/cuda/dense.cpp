#include <array>

#include "backend/common/fused_activation.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/gemm.hpp"
#include "backend/cuda/relu_mask.hpp"

namespace nyala::backend::cuda {
namespace {

/// The values before gelu serve cuBLASLt as they lie if their rows are of such lengths.
bool takes_rows(std::int64_t columns) { return columns % 8 == 0; }

/// The ways to make a dense layer's output by one product, the best first; after those that leave the activation out,
/// it is still to be applied.
std::array<Epilogue, 2> ways_of(FusedActivation activation, const Tensor& bias, const Tensor& before,
                                const Tensor& mask) {
  Epilogue best{.vector = elements<void>(bias)};
  const Epilogue plain = best;
  const bool relu = activation == FusedActivation::relu && !before.defined();
  if (relu) best.finish = Finish::relu;
  if (activation == FusedActivation::gelu_tanh && (!before.defined() || takes_rows(before.shape()[1]))) {
    best.finish = Finish::gelu;
    best.kept = elements<void>(before);
    best.leading_kept = before.defined() ? before.shape()[1] : 0;
  }
  if (!relu || !mask.defined()) return {best, plain};
  Epilogue masked = best;
  masked.kept = mask.raw_data();
  masked.leading_kept = 8 * mask.shape()[1];
  return {masked, best};
}

/// How the gradient before an activation comes out of the product that makes the one after it; plain where it does not.
Epilogue gradient_epilogue(const AppliedActivation& applied, const Tensor& sums) {
  Epilogue epilogue{.vector = elements<void>(sums)};
  if (applied.activation == FusedActivation::relu && applied.mask.defined()) {
    epilogue.finish = Finish::relu_gradient;
    epilogue.kept = applied.mask.raw_data();
    epilogue.leading_kept = 8 * applied.mask.shape()[1];
  } else if (applied.activation == FusedActivation::gelu_tanh && takes_rows(applied.before.shape()[1])) {
    epilogue.finish = Finish::gelu_gradient;
    epilogue.kept = applied.before.raw_data();
    epilogue.leading_kept = applied.before.shape()[1];
  }
  return epilogue;
}

}  // namespace

void CudaKernels::dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation,
                        Tensor& before, Tensor& out, Tensor* mask) {
  const std::int64_t rows = x.shape()[0], in = kernel.shape()[0], units = kernel.shape()[1];
  Tensor sums = before.defined() ? before : out;
  if (out.size() > 0 && in > 0) {
    Tensor bits;
    if (mask != nullptr && activation == FusedActivation::relu && relu_mask_usable(context_, out))
      bits = Tensor::empty({rows, leading_mask(units) / 8}, DType::uint8, out.device());
    Gemm product = Gemm::packed(false, false, false, rows, units, in);
    for (const Epilogue& way : ways_of(activation, bias, before, bits)) {
      product.epilogue = way;
      const bool whole = way.finish != Finish::plain;
      if (!way.any() ||
          !try_gemm(context_, out.dtype(), product, x.raw_data(), kernel.raw_data(), (whole ? out : sums).raw_data()))
        continue;
      if (whole && way.finish == Finish::relu && way.kept != nullptr) *mask = bits;
      if (!whole) finish_activation(*this, activation, before, out);
      return;
    }
    product.epilogue = {};
    gemm(context_, out.dtype(), product, x.raw_data(), kernel.raw_data(), sums.raw_data());
    if (bias.defined()) binary(Binary::add, sums, bias, sums);
  } else if (bias.defined()) {
    const std::array<std::int64_t, 2> same_row{0, 1};
    strided_read(bias, 0, same_row, sums);
  } else {
    fill(sums, 0.0);
  }
  finish_activation(*this, activation, before, out);
}

void CudaKernels::dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient,
                                 const AppliedActivation* applied, Tensor& dx, Tensor& dkernel, Tensor& dbias,
                                 Tensor& sums) {
  // What no wanted gradient needs, x or the kernel, is null.
  const std::int64_t rows = gradient.shape()[0], units = gradient.shape()[1];
  Tensor other_dx = dx, other_dkernel = dkernel, other_dbias = dbias;
  if (dkernel.defined() && dbias.defined() && rows > 0 && dkernel.size() > 0) {
    Gemm product = Gemm::packed(true, false, false, dkernel.shape()[0], units, rows);
    product.epilogue = {.finish = Finish::sums_of_b, .vector = dbias.raw_data()};
    if (try_gemm(context_, dkernel.dtype(), product, x.raw_data(), gradient.raw_data(), dkernel.raw_data()))
      other_dkernel = other_dbias = Tensor();
  }
  if (applied != nullptr && dx.size() > 0 && units > 0) {
    Gemm product = Gemm::packed(false, true, false, rows, dx.shape()[1], units);
    product.epilogue = gradient_epilogue(*applied, sums);
    if (product.epilogue.finish != Finish::plain &&
        try_gemm(context_, dx.dtype(), product, gradient.raw_data(), kernel.raw_data(), dx.raw_data()))
      other_dx = Tensor();
  }
  Kernels::dense_backward(x, kernel, gradient, applied, other_dx, other_dkernel, other_dbias, sums);
}

}  // namespace nyala::backend::cuda
