#pragma once

#include "backend/cpu/simd/simd_kernels.hpp"

namespace nyala::backend {

/// oneDNN's convolutions (but for those that SimdKernels has by Winograd) and matrix products in float32, and recurrent
/// cells built on them; all else is the vectorised kernels'. Work is cut into parts that depend on the shapes only,
/// each run by one thread of Nyala's pool, so that results are the same for any number of threads.
class OneDnnKernels : public SimdKernels {
 public:
  using SimdKernels::SimdKernels;
  std::string name() const override;

  void matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add, Tensor& out) override;
  bool widens_products(DType dtype) const override;
  void dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation, Tensor& before,
             Tensor& out, Tensor* mask) override;
  void dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient, const AppliedActivation* applied,
                      Tensor& dx, Tensor& dkernel, Tensor& dbias, Tensor& sums) override;
  bool has_attention(const Attention& how, const AttentionOperands& of, bool training) override;
  bool attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& kept, Tensor& out) override;
  bool attention_backward(const Attention& how, const AttentionOperands& of, const Tensor& kept, const Tensor& out,
                          const Tensor& gradient, Tensor& dquery, Tensor& dkey, Tensor& dvalue) override;
  void rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& kernel,
           const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask, Tensor& sequence, Tensor& h,
           Tensor& c, Tensor& workspace) override;
  void rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                    const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask,
                    const Tensor& sequence, const Tensor& workspace, const Tensor& gradient_sequence,
                    const Tensor& gradient_h, const Tensor& gradient_c, RnnGradients& gradients) override;

 protected:
  void convolve_elsewhere(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                          FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next) override;
  void conv_backward_data_elsewhere(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                    Tensor& dx) override;
  void conv_backward_filter_elsewhere(const Tensor& x, const Tensor& gradient, const Window& window,
                                      Tensor& dkernel) override;
};

}  // namespace nyala::backend
