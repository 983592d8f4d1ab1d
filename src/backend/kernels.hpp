#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <nyala/tensor.hpp>

#include "backend/kernel_arguments.hpp"

// The one interface between operations and the devices. Operations validate, promote and allocate: a kernel gets
// defined tensors of the shapes and dtypes that its comment names, outputs included, all contiguous row-major and on
// its device. A kernel that a backend lacks throws Error naming kernel, device and dtype (the defaults here do).

namespace nyala::backend {

class Kernels {
 public:
  virtual ~Kernels() = default;
  virtual std::string name() const = 0;

  // ---- memory and layout
  virtual void fill(Tensor& out, double value);
  /// As fill, for integers beyond 2^53.
  virtual void fill_integer(Tensor& out, std::int64_t value);
  /// out[i] = start + i * step
  virtual void arange(Tensor& out, double start, double step);
  virtual void copy(const Tensor& in, Tensor& out);
  virtual void cast(const Tensor& in, Tensor& out);
  /// out[i…] = in[offset + Σ i·strides] (in elements; strides may be 0 or negative).
  virtual void strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides, Tensor& out);
  /// out[offset + Σ i·strides] = in[i…], or += with `add` (strides may be 0: then terms add up).
  virtual void strided_write(const Tensor& in, Tensor& out, std::int64_t offset, std::span<const std::int64_t> strides,
                             bool add);

  // ---- elementwise
  virtual void unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters = {});
  /// out = gradient * op'(x); y = op(x) is given where it is known (else null), x may be null for operations whose
  /// derivative follows from y: sigmoid, tanh, relu, relu6, leaky_relu, elu, selu, exp, sqrt, rsqrt, reciprocal.
  virtual void unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                              UnaryParameters parameters = {});
  /// out = gradient before that activation, which may lie where `gradient` does; sums: null, or (n,) those of its
  /// columns. All (rows, n). Made of other kernels here.
  virtual void activation_backward(const AppliedActivation& applied, const Tensor& gradient, Tensor& out, Tensor& sums);
  virtual void predicate(Predicate op, const Tensor& x, Tensor& out);
  /// a and b of one dtype, broadcast to out.
  virtual void binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out);
  virtual void compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out);
  /// condition bool; all three broadcast to out.
  virtual void where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out);

  // ---- reductions, scans, order
  /// axes sorted, non-negative; out holds x's remaining axes (as many elements; its shape may keep 1s).
  virtual void reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out);
  virtual void arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32);
  virtual void scan(Scan op, const Tensor& x, int axis, bool reverse, Tensor& out);
  /// values and indices (int32) of x ordered along an axis; stable; NaNs last. Either output may be null.
  virtual void sort(const Tensor& x, int axis, bool descending, Tensor& values, Tensor& indices);
  /// along the last axis
  virtual void top_k(const Tensor& x, std::int64_t k, Tensor& values, Tensor& indices);

  // ---- indexing; indices int32 or int64, within range and non-negative
  /// x (outer…, n, inner…), indices (m,) -> out (outer…, m, inner…)
  virtual void gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out);
  /// out[:, indices] += values; deterministic.
  virtual void scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out);
  /// x and indices of one shape but for `axis`
  virtual void take_along_axis(const Tensor& x, const Tensor& indices, int axis, Tensor& out);
  virtual void put_along_axis_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out);
  /// indices (n, depth): out[indices[i]] = values[i] (the last wins), or += with `add`
  virtual void scatter_nd(const Tensor& indices, const Tensor& values, bool add, Tensor& out);
  /// out[segment_ids[i]] = max(out[…], values[i])
  virtual void segment_max(const Tensor& values, const Tensor& segment_ids, Tensor& out);
  /// out (outer, classes, inner) from x (outer, inner)
  virtual void one_hot(const Tensor& x, std::int64_t outer, std::int64_t classes, std::int64_t inner, Tensor& out);

  // ---- random numbers
  virtual void random_uniform(RandomKey key, double low, double high, Tensor& out);
  virtual void random_normal(RandomKey key, double mean, double deviation, Tensor& out);
  virtual void random_truncated_normal(RandomKey key, double mean, double deviation, Tensor& out);
  virtual void random_integers(RandomKey key, std::int64_t low, std::int64_t high, Tensor& out);
  /// out = x / (1 - rate) where the uniform number of the element is >= rate, else 0. Its own gradient.
  virtual void dropout(RandomKey key, double rate, const Tensor& x, Tensor& out);

  // ---- linear algebra
  /// a (batch, m, k), b (batch, k, n), out (batch, m, n), transposed operands (batch, k, m), (batch, n, k); a batch of
  /// 1 serves all. With `add`: out += .
  virtual void matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, bool add, Tensor& out);
  /// Whether matmul (without `add`) and dense_backward's dkernel take float32 results of operands of this half dtype.
  virtual bool widens_products(DType dtype) const;
  /// x (rows, in), kernel (in, units), bias (units,) or null. `before` (null or like out) receives the value before the
  /// activation. In training, `mask` (else null) may become what dense_backward of the next finds the activation's
  /// gradient by.
  virtual void dense(const Tensor& x, const Tensor& kernel, const Tensor& bias, FusedActivation activation,
                     Tensor& before, Tensor& out, Tensor* mask = nullptr);
  /// Gradients of dense without activation, of gradient (rows, units); each may be null. With `applied`, what x went
  /// through last, dx is the gradient before that, and sums (in,) or null those of its columns. Made of other kernels
  /// here.
  virtual void dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient,
                              const AppliedActivation* applied, Tensor& dx, Tensor& dkernel, Tensor& dbias,
                              Tensor& sums);
  virtual void qr(const Tensor& x, bool complete, Tensor& q, Tensor& r);
  virtual void svd(const Tensor& x, bool full_matrices, Tensor& u, Tensor& s, Tensor& vh);
  virtual void cholesky(const Tensor& x, Tensor& out);
  /// a (batch, n, n) x = b (batch, n, m)
  virtual void solve(const Tensor& a, const Tensor& b, Tensor& x);
  virtual void determinant(const Tensor& x, Tensor& out);

  // ---- networks; channels last: x (batch, spatial…, channels), kernel (k…, in / groups, out)
  virtual void conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                    FusedActivation activation, Tensor& before, Tensor& out);
  /// conv in inference, and what follows it. Made of other kernels here.
  virtual void conv_finished(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                             FusedActivation activation, const Finish& finish, Tensor& out);
  /// y (rows, channels) = what follows it, in place. Made of other kernels here.
  virtual void finish(const Finish& finish, Tensor& y);
  virtual void conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx);
  virtual void conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel);
  /// argmax int32 (position in the flattened spatial axes of the sample), or null in inference
  virtual void max_pool(const Tensor& x, const Window& window, Tensor& out, Tensor& argmax);
  virtual void max_pool_backward(const Tensor& gradient, const Tensor& argmax, const Window& window, Tensor& dx);
  /// padded cells do not count
  virtual void average_pool(const Tensor& x, const Window& window, Tensor& out);
  virtual void average_pool_backward(const Tensor& gradient, const Window& window, Tensor& dx);
  /// x (rows, channels); gamma, beta (channels,) or null; mean, variance (channels,) out, in float32 at least
  virtual void batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                                Tensor& mean, Tensor& variance);
  /// dgamma, dbeta may be null; on the CPU dx may be the gradient's memory
  virtual void batch_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                   const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta);
  /// As batch_norm_train, with y = activation(normalised + residual); residual like x, or null; the activation one
  /// whose derivative follows from y. Made of other kernels here, as is its gradient.
  virtual void batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                           const Tensor& residual, double epsilon, Tensor& y, Tensor& mean,
                                           Tensor& variance);
  /// y: what the training kernel made of x, gamma, beta and residual. dresidual: the gradient before the activation;
  /// null without a residual or if nobody asks. dresidual, or dx without a residual, may be the gradient's memory.
  virtual void batch_norm_activation_backward(Unary activation, const Tensor& x, const Tensor& y,
                                              const Tensor& gradient, const Tensor& gamma, const Tensor& beta,
                                              const Tensor& residual, const Tensor& mean, const Tensor& variance,
                                              double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta,
                                              Tensor& dresidual);
  virtual void batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& gamma,
                                    const Tensor& beta, double epsilon, Tensor& y);
  /// x (rows, n), gamma, beta (n,) or null; mean and inverse deviation (rows,) out, or null in inference
  virtual void layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y,
                          Tensor& mean, Tensor& inverse_deviation);
  /// On the CPU dx may be the gradient's memory.
  virtual void layer_norm_backward(const Tensor& x, const Tensor& gradient, const Tensor& gamma, const Tensor& mean,
                                   const Tensor& inverse_deviation, Tensor& dx, Tensor& dgamma, Tensor& dbeta);
  /// x (rows, n)
  virtual void softmax(const Tensor& x, Tensor& y);
  virtual void softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx);
  virtual void log_softmax(const Tensor& x, Tensor& y);
  virtual void log_softmax_backward(const Tensor& y, const Tensor& gradient, Tensor& dx);
  /// Whether the two kernels below take such operands; the operation is made of others where they do not.
  virtual bool has_attention(const Attention&, const AttentionOperands&, bool /*training*/) { return false; }
  /// out (batch, rows, heads, width). In training `kept` becomes what the backward kernel needs of it. False, with
  /// nothing done, where a library refuses after all.
  virtual bool attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& kept, Tensor& out);
  virtual bool attention_backward(const Attention& how, const AttentionOperands& of, const Tensor& kept,
                                  const Tensor& out, const Tensor& gradient, Tensor& dquery, Tensor& dkey,
                                  Tensor& dvalue);
  /// logits (rows, classes), labels (rows,) int32 or int64 in range -> loss (rows,)
  virtual void sparse_crossentropy(const Tensor& logits, const Tensor& labels, Tensor& loss);
  /// dlogits = (softmax(logits) - one_hot(labels)) * gradient (rows,)
  virtual void sparse_crossentropy_backward(const Tensor& logits, const Tensor& labels, const Tensor& gradient,
                                            Tensor& dlogits);
  /// x (batch, time, in), h0, c0 (batch, units) or null, mask bool (batch, time) or null. sequence (batch, time, units)
  /// in the order of processing; h, c (batch, units). workspace: what the backward kernel needs, or null in inference;
  /// its size in elements of x's dtype comes from rnn_workspace.
  virtual std::int64_t rnn_workspace(const RnnDescription& rnn, const Tensor& x, std::int64_t units);
  virtual void rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& kernel,
                   const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask, Tensor& sequence, Tensor& h,
                   Tensor& c, Tensor& workspace);
  /// Gradients of sequence, h and c may be null; the outputs dh0, dc0, dbias may be null.
  struct RnnGradients {
    Tensor dx, dh0, dc0, dkernel, drecurrent_kernel, dbias;
  };
  virtual void rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                            const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
                            const Tensor& mask, const Tensor& sequence, const Tensor& workspace,
                            const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                            RnnGradients& gradients);
  /// x (batch, height, width, channels); bilinear with half-pixel centres, edges clamped; no antialiasing
  virtual void resize_bilinear(const Tensor& x, Tensor& out);
  virtual void resize_bilinear_backward(const Tensor& gradient, Tensor& dx);
  /// images (batch, height, width, channels) at rows and columns (batch, …), float32 or float64; out (batch, …,
  /// channels)
  virtual void sample_image(const Tensor& images, const Tensor& rows, const Tensor& columns,
                            const ImageSampling& sampling, Tensor& out);
  /// What the cells of dimages gave to out, times its gradient; fill values have none.
  virtual void sample_image_backward(const Tensor& gradient, const Tensor& rows, const Tensor& columns,
                                     const ImageSampling& sampling, Tensor& dimages);

  // ---- optimizers: all variables of a step in one sweep over memory, in place; they may differ in dtype.
  /// Whether they fill StepVariable::rounded of float32 variables.
  virtual bool rounds_variables() const;
  /// slots: momentum, velocity, velocity_hat (given: AMSGrad)
  virtual void adam_step(const AdamStep& step, std::span<const StepVariable> variables);
  /// slots: momentum (null: plain)
  virtual void sgd_step(const SgdStep& step, std::span<const StepVariable> variables);
  /// slots: velocity, momentum (null: none), average_gradient (given: centred)
  virtual void rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables);
  virtual void rule_step(const RuleStep& step, std::span<const StepVariable> variables);

 protected:
  /// Throws the Error that says that this backend has no such kernel.
  [[noreturn]] void missing(const char* kernel, const Tensor& operand) const;
};

/// The kernels for tensors on these devices; Error naming both if they differ. Null tensors are skipped.
Kernels& kernels_for(const Device& device);
/// See <nyala/backend.hpp> for choosing between the CPU's.
Kernels& kernels(const Tensor& x);
template <class... T>
Kernels& kernels(const Tensor& x, const T&... others);
void require_same_device(const Tensor& a, const Tensor& b);
template <class... T>
Kernels& kernels(const Tensor& x, const T&... others) {
  (require_same_device(x, others), ...);
  return kernels(x);
}

}  // namespace nyala::backend
