#pragma once

#include "backend/cuda/context.hpp"
#include "backend/kernels.hpp"

namespace nyala::backend::cuda {

/// Every kernel for one NVIDIA GPU, results deterministic. One file of this folder per family; the mathematics that the
/// CPU has too comes from backend/common, in functors for device/launch.hpp and its neighbours.
class CudaKernels final : public Kernels {
 public:
  explicit CudaKernels(Context& context) : context_(context) {}
  std::string name() const override { return "cuda"; }
  Context& context() { return context_; }

  void fill(Tensor& out, double value) override;
  void fill_integer(Tensor& out, std::int64_t value) override;
  void arange(Tensor& out, double start, double step) override;
  void copy(const Tensor& in, Tensor& out) override;
  void cast(const Tensor& in, Tensor& out) override;
  void strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides, Tensor& out) override;
  void strided_write(const Tensor& in, Tensor& out, std::int64_t offset, std::span<const std::int64_t> strides,
                     bool add) override;
  void unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters) override;
  void unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                      UnaryParameters parameters) override;
  void predicate(Predicate op, const Tensor& x, Tensor& out) override;
  void binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) override;
  void compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) override;
  void where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) override;
  void reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) override;
  void arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32) override;
  void scan(Scan op, const Tensor& x, int axis, bool reverse, Tensor& out) override;
  void sort(const Tensor& x, int axis, bool descending, Tensor& values, Tensor& indices) override;
  void top_k(const Tensor& x, std::int64_t k, Tensor& values, Tensor& indices) override;
  void gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out) override;
  void scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) override;
  void take_along_axis(const Tensor& x, const Tensor& indices, int axis, Tensor& out) override;
  void put_along_axis_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) override;
  void scatter_nd(const Tensor& indices, const Tensor& values, bool add, Tensor& out) override;
  void segment_max(const Tensor& values, const Tensor& segment_ids, Tensor& out) override;
  void one_hot(const Tensor& x, std::int64_t outer, std::int64_t classes, std::int64_t inner, Tensor& out) override;
  void random_uniform(RandomKey key, double low, double high, Tensor& out) override;
  void random_normal(RandomKey key, double mean, double deviation, Tensor& out) override;
  void random_truncated_normal(RandomKey key, double mean, double deviation, Tensor& out) override;
  void random_integers(RandomKey key, std::int64_t low, std::int64_t high, Tensor& out) override;
  void dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) override;
  void matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add, Tensor& out) override;
  void dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation, Tensor& before,
             Tensor& out, Tensor* mask) override;
  void dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient, const AppliedActivation* applied,
                      Tensor& dx, Tensor& dkernel, Tensor& dbias, Tensor& sums) override;
  void qr(const Tensor& x, bool complete, Tensor& q, Tensor& r) override;
  void svd(const Tensor& x, bool full_matrices, Tensor& u, Tensor& s, Tensor& vh) override;
  void cholesky(const Tensor& x, Tensor& out) override;
  void solve(const Tensor& a, const Tensor& b, Tensor& x) override;
  void determinant(const Tensor& x, Tensor& out) override;
  void conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window, FusedActivation activation,
            Tensor& before, Tensor& out) override;
  void conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx) override;
  void conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel) override;
  void max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax) override;
  void max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx) override;
  void average_pool(const Tensor& x, const Window& window, Tensor& out) override;
  void average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx) override;
  void batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                        Tensor& mean, Tensor& variance) override;
  void batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                           const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta) override;
  void batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                   const Tensor& residual, double epsilon, Tensor& y, Tensor& mean,
                                   Tensor& variance) override;
  void batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                            const Tensor& beta, double epsilon, Tensor& y) override;
  void layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y, Tensor& mean,
                  Tensor& inverse_deviation) override;
  void layer_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                           const Tensor& inverse_deviation, Tensor& dx, Tensor& dgamma, Tensor& dbeta) override;
  void softmax(const Tensor& x, Tensor& y) override;
  void softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) override;
  void log_softmax(const Tensor& x, Tensor& y) override;
  void log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx) override;
  void sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss) override;
  void sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                    Tensor& dlogits) override;
  bool has_attention(const Attention& how, const AttentionOperands& of, bool training) override;
  bool attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& kept, Tensor& out) override;
  bool attention_backward(const Attention& how, const AttentionOperands& of, const Tensor& kept, const Tensor& out,
                          const Tensor& gradient, Tensor& dquery, Tensor& dkey, Tensor& dvalue) override;
  std::int64_t rnn_workspace(const RnnDescription& rnn, const Tensor& x, std::int64_t units) override;
  void rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& kernel,
           const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask, Tensor& sequence, Tensor& h,
           Tensor& c, Tensor& workspace) override;
  void rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                    const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask,
                    const Tensor& sequence, const Tensor& workspace, const Tensor& gradient_sequence,
                    const Tensor& gradient_h, const Tensor& gradient_c, RnnGradients& gradients) override;
  void resize_bilinear(const Tensor& x, Tensor& out) override;
  void resize_bilinear_backward(const Tensor& gradient, Tensor& dx) override;
  void sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns, const ImageSampling& sampling,
                    Tensor& out) override;
  void sample_image_backward(const Tensor& gradient, const Tensor& rows, const Tensor& columns,
                             const ImageSampling& sampling, Tensor& dimages) override;
  void adam_step(const AdamStep& step, std::span<const StepVariable> variables) override;
  void sgd_step(const SgdStep& step, std::span<const StepVariable> variables) override;
  void rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) override;
  void rule_step(const RuleStep& step, std::span<const StepVariable> variables) override;

 private:
  Context& context_;
};

/// A tensor's elements, null for a null tensor.
template <class T>
T* elements(const Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.raw_data()) : nullptr;
}

}  // namespace nyala::backend::cuda
