#include <array>

#include "backend/common/fused_activation.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/gemm.hpp"

namespace nyala::backend::cuda {
namespace {

Epilogue epilogue_of(bool bias, bool relu) {
  if (bias) return relu ? Epilogue::relu_bias : Epilogue::bias;
  return relu ? Epilogue::relu : Epilogue::none;
}

}  // namespace

void CudaKernels::dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation,
                        Tensor& before, Tensor& out) {
  const std::int64_t rows = x.shape()[0], in = kernel.shape()[0], units = kernel.shape()[1];
  Tensor sums = before.defined() ? before : out;
  // Only ReLU without the value before it leaves nothing to do after the product.
  const bool relu = activation == FusedActivation::relu && !before.defined();
  if (out.size() > 0 && in > 0) {
    Gemm product = Gemm::packed(false, false, false, rows, units, in);
    product.epilogue = epilogue_of(bias.defined(), relu);
    void* vector = bias.defined() ? bias.raw_data() : nullptr;
    if (try_gemm(context_, out.dtype(), product, x.raw_data(), kernel.raw_data(), sums.raw_data(), vector)) {
      if (!relu) finish_activation(*this, activation, before, out);
      return;
    }
    product.epilogue = Epilogue::none;
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

void CudaKernels::dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient, Tensor& dx,
                                 Tensor& dkernel, Tensor& dbias) {
  Tensor none;
  // What no wanted gradient needs, x or the kernel, is null.
  const std::int64_t rows = gradient.shape()[0], units = gradient.shape()[1];
  const std::int64_t in = dkernel.defined() ? dkernel.shape()[0] : 0;
  if (dkernel.defined() && dbias.defined() && rows > 0 && in > 0 && units > 0) {
    Gemm product = Gemm::packed(true, false, false, in, units, rows);
    product.epilogue = Epilogue::column_sums;
    if (try_gemm(context_, dkernel.dtype(), product, x.raw_data(), gradient.raw_data(), dkernel.raw_data(),
                 dbias.raw_data()))
      return Kernels::dense_backward(x, kernel, gradient, dx, none, none);
  }
  Kernels::dense_backward(x, kernel, gradient, dx, dkernel, dbias);
}

}  // namespace nyala::backend::cuda
