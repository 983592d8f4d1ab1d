#pragma once

#include "backend/cpu/reference/reference_kernels.hpp"
#include "backend/cpu/simd/table.hpp"

namespace nyala::backend {

class ChannelFinish;

/// The hot kernels in float32 over vector instructions and all threads, each result the same for any number of threads;
/// what has no fast loop goes to the reference.
class SimdKernels : public ReferenceKernels {
 public:
  /// tiles: whether convolutions may run on the tile unit, which the machine then has (amx::has_tiles()).
  explicit SimdKernels(const SimdTable& table, bool tiles = false) : table_(table), tiles_(tiles) {}
  /// The instruction set: "avx512".
  std::string name() const override { return tiles_ ? std::string(table_.name) + "+amx" : table_.name; }

  /// Whether the convolutions here are the quickest there are for y = x * kernel: 3 x 3, in float32, many channels.
  bool suits_winograd(const Tensor& x, const Tensor& kernel, const Tensor& y, const Window& window) const;

  void fill(Tensor& out, double value) override;
  void copy(const Tensor& in, Tensor& out) override;
  void cast(const Tensor& in, Tensor& out) override;
  void strided_read(const Tensor& in, std::int64_t offset, std::span<const std::int64_t> strides, Tensor& out) override;
  void strided_write(const Tensor& in, Tensor& out, std::int64_t offset, std::span<const std::int64_t> strides,
                     bool add) override;
  void unary(Unary op, const Tensor& x, Tensor& out, UnaryParameters parameters) override;
  void unary_backward(Unary op, const Tensor& x, const Tensor& y, const Tensor& gradient, Tensor& out,
                      UnaryParameters parameters) override;
  void activation_backward(const AppliedActivation& applied, const Tensor& gradient, Tensor& out,
                           Tensor& sums) override;
  void binary(Binary op, const Tensor& a, const Tensor& b, Tensor& out) override;
  void compare(Compare op, const Tensor& a, const Tensor& b, Tensor& out) override;
  void where(const Tensor& condition, const Tensor& a, const Tensor& b, Tensor& out) override;
  void reduce(Reduce op, const Tensor& x, std::span<const int> axes, Tensor& out) override;
  void arg_reduce(bool maximum, const Tensor& x, int axis, Tensor& out_int32) override;
  void gather(const Tensor& x, const Tensor& indices, int axis, Tensor& out) override;
  void scatter_add(const Tensor& indices, int axis, const Tensor& values, Tensor& out) override;
  void conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window, FusedActivation activation,
            Tensor& before, Tensor& out) override;
  void conv_finished(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                     FusedActivation activation, const Finish& next, Tensor& out) override;
  void finish(const Finish& next, Tensor& y) override;
  void conv_backward_data(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx) override;
  void conv_backward_filter(const Tensor& x, const Tensor& gradient, const Window& window, Tensor& dkernel) override;
  void resize_bilinear(const Tensor& x, Tensor& out) override;
  void resize_bilinear_backward(const Tensor& gradient, Tensor& dx) override;
  void dropout(RandomKey key, double rate, const Tensor& x, Tensor& out) override;
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
  void batch_norm_activation_backward(Unary activation, const Tensor& x, const Tensor& y, const Tensor& gradient,
                                      const Tensor& gamma, const Tensor& beta, const Tensor& residual,
                                      const Tensor& mean, const Tensor& variance, double epsilon, Tensor& dx,
                                      Tensor& dgamma, Tensor& dbeta, Tensor& dresidual) override;
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
  bool rounds_variables() const override { return true; }
  void adam_step(const AdamStep& step, std::span<const StepVariable> variables) override;
  void sgd_step(const SgdStep& step, std::span<const StepVariable> variables) override;
  void rmsprop_step(const RmspropStep& step, std::span<const StepVariable> variables) override;
  void rule_step(const RuleStep& step, std::span<const StepVariable> variables) override;

 protected:
  const SimdTable& table() const { return table_; }
  /// conv, and `next` if it is not null (`before` is null then), and the gradients, where no loop here serves.
  virtual void convolve_elsewhere(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                                  FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next);
  virtual void conv_backward_data_elsewhere(const Tensor& gradient, const Tensor& kernel, const Window& window,
                                            Tensor& dx);
  virtual void conv_backward_filter_elsewhere(const Tensor& x, const Tensor& gradient, const Window& window,
                                              Tensor& dkernel);
  /// conv, and `next` if it is not null (`before` is null then).
  void convolve(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next);
  /// The same of images of one or two channels; false, with nothing done, where it does not serve.
  bool conv_of_few_channels(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                            FusedActivation activation, Tensor& before, Tensor& out,
                            const ChannelFinish* next = nullptr);
  /// The same, and conv_backward_data, on the tile unit; false, with the results undefined, where it should not or
  /// cannot.
  bool conv_on_tiles(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                     FusedActivation activation, Tensor& before, Tensor& out, const ChannelFinish* next);
  bool conv_backward_data_on_tiles(const Tensor& gradient, const Tensor& kernel, const Window& window, Tensor& dx);

 private:
  void reduce_group(Reduce op, const Tensor& x, std::span<const std::int64_t> sizes, std::span<const bool> reduced,
                    Tensor& out);

  const SimdTable& table_;
  bool tiles_;
};

}  // namespace nyala::backend
