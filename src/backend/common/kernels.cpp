#include "backend/kernels.hpp"

#include <nyala/error.hpp>

#include "backend/common/fused_activation.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend {

void Kernels::missing(const char* kernel, const Tensor& operand) const {
  const std::string of = operand.defined() ? std::string(" for ") + name_of(operand.dtype()) + " on device \"" +
                                                 operand.device().name() + "\""
                                           : std::string();
  throw Error(std::string(kernel) + ": the backend \"" + name() + "\" has no such kernel" + of);
}

void Kernels::fill(Tensor& out, double) { missing("fill", out); }
void Kernels::fill_integer(Tensor& out, std::int64_t) { missing("fill_integer", out); }
void Kernels::arange(Tensor& out, double, double) { missing("arange", out); }
void Kernels::copy(const Tensor& in, Tensor&) { missing("copy", in); }
void Kernels::cast(const Tensor& in, Tensor&) { missing("cast", in); }
void Kernels::strided_read(const Tensor& in, std::int64_t, std::span<const std::int64_t>, Tensor&) {
  missing("strided_read", in);
}
void Kernels::strided_write(const Tensor& in, Tensor&, std::int64_t, std::span<const std::int64_t>, bool) {
  missing("strided_write", in);
}
void Kernels::unary(Unary, const Tensor& x, Tensor&, UnaryParameters) { missing("unary", x); }
void Kernels::unary_backward(Unary, const Tensor&, const Tensor&, const Tensor& gradient, Tensor&, UnaryParameters) {
  missing("unary_backward", gradient);
}
void Kernels::activation_backward(const AppliedActivation& applied, const Tensor& gradient, Tensor& out, Tensor& sums) {
  unary_backward(unary_of(applied.activation), applied.before, applied.after, gradient, out);
  const std::array<int, 1> rows{0};
  if (sums.defined()) reduce(Reduce::sum, out, rows, sums);
}
void Kernels::predicate(Predicate, const Tensor& x, Tensor&) { missing("predicate", x); }
void Kernels::binary(Binary, const Tensor& a, const Tensor&, Tensor&) { missing("binary", a); }
void Kernels::compare(Compare, const Tensor& a, const Tensor&, Tensor&) { missing("compare", a); }
void Kernels::where(const Tensor& condition, const Tensor&, const Tensor&, Tensor&) { missing("where", condition); }
void Kernels::reduce(Reduce, const Tensor& x, std::span<const int>, Tensor&) { missing("reduce", x); }
void Kernels::arg_reduce(bool, const Tensor& x, int, Tensor&) { missing("arg_reduce", x); }
void Kernels::scan(Scan, const Tensor& x, int, bool, Tensor&) { missing("scan", x); }
void Kernels::sort(const Tensor& x, int, bool, Tensor&, Tensor&) { missing("sort", x); }
void Kernels::top_k(const Tensor& x, std::int64_t, Tensor&, Tensor&) { missing("top_k", x); }
void Kernels::gather(const Tensor& x, const Tensor&, int, Tensor&) { missing("gather", x); }
void Kernels::scatter_add(const Tensor& indices, int, const Tensor&, Tensor&) { missing("scatter_add", indices); }
void Kernels::take_along_axis(const Tensor& x, const Tensor&, int, Tensor&) { missing("take_along_axis", x); }
void Kernels::put_along_axis_add(const Tensor& indices, int, const Tensor&, Tensor&) {
  missing("put_along_axis_add", indices);
}
void Kernels::scatter_nd(const Tensor& indices, const Tensor&, bool, Tensor&) { missing("scatter_nd", indices); }
void Kernels::segment_max(const Tensor& values, const Tensor&, Tensor&) { missing("segment_max", values); }
void Kernels::one_hot(const Tensor& x, std::int64_t, std::int64_t, std::int64_t, Tensor&) { missing("one_hot", x); }
void Kernels::random_uniform(RandomKey, double, double, Tensor& out) { missing("random_uniform", out); }
void Kernels::random_normal(RandomKey, double, double, Tensor& out) { missing("random_normal", out); }
void Kernels::random_truncated_normal(RandomKey, double, double, Tensor& out) {
  missing("random_truncated_normal", out);
}
void Kernels::random_integers(RandomKey, std::int64_t, std::int64_t, Tensor& out) { missing("random_integers", out); }
void Kernels::dropout(RandomKey, double, const Tensor& x, Tensor&) { missing("dropout", x); }
void Kernels::matmul(const Tensor& a, const Tensor&, bool, bool, bool, Tensor&) { missing("matmul", a); }
void Kernels::dense(const Tensor& x, const Tensor&, const Tensor&, FusedActivation, Tensor&, Tensor&, Tensor*) {
  missing("dense", x);
}
bool Kernels::widens_products(DType) const { return false; }
void Kernels::dense_backward(const Tensor& x, const Tensor& kernel, const Tensor& gradient,
                             const AppliedActivation* applied, Tensor& dx, Tensor& dkernel, Tensor& dbias,
                             Tensor& sums) {
  const auto stacked = [](const Tensor& matrix) {
    return detail::alias(matrix, {1, matrix.shape()[0], matrix.shape()[1]});
  };
  if (dx.defined()) {
    Tensor out = stacked(dx);
    matmul(stacked(gradient), stacked(kernel), false, true, false, out);
    if (applied != nullptr) activation_backward(*applied, dx, dx, sums);
  }
  if (dkernel.defined()) {
    Tensor out = stacked(dkernel);
    matmul(stacked(x), stacked(gradient), true, false, false, out);
  }
  const std::array<int, 1> rows{0};
  if (dbias.defined()) reduce(Reduce::sum, gradient, rows, dbias);
}
void Kernels::qr(const Tensor& x, bool, Tensor&, Tensor&) { missing("qr", x); }
void Kernels::svd(const Tensor& x, bool, Tensor&, Tensor&, Tensor&) { missing("svd", x); }
void Kernels::cholesky(const Tensor& x, Tensor&) { missing("cholesky", x); }
void Kernels::solve(const Tensor& a, const Tensor&, Tensor&) { missing("solve", a); }
void Kernels::determinant(const Tensor& x, Tensor&) { missing("determinant", x); }
void Kernels::conv(const Tensor& x, const Tensor&, const Tensor&, const Window&, FusedActivation, Tensor&, Tensor&) {
  missing("conv", x);
}
void Kernels::conv_finished(const Tensor& x, const Tensor& kernel, const Tensor& bias, const Window& window,
                            FusedActivation activation, const Finish& next, Tensor& out) {
  Tensor none;
  conv(x, kernel, bias, window, activation, none, out);
  const std::int64_t channels = out.shape().back();
  const Shape rows{out.size() / channels, channels};
  Finish by_rows = next;
  if (next.residual.defined()) by_rows.residual = detail::alias(next.residual, rows);
  Tensor y = detail::alias(out, rows);
  finish(by_rows, y);
}
void Kernels::finish(const Finish& next, Tensor& y) {
  if (next.mean.defined()) batch_norm_inference(y, next.mean, next.variance, next.gamma, next.beta, next.epsilon, y);
  if (next.residual.defined()) binary(Binary::add, y, next.residual, y);
  if (next.activation) unary(*next.activation, y, y);
}
void Kernels::conv_backward_data(const Tensor& gradient, const Tensor&, const Window&, Tensor&) {
  missing("conv_backward_data", gradient);
}
void Kernels::conv_backward_filter(const Tensor& x, const Tensor&, const Window&, Tensor&) {
  missing("conv_backward_filter", x);
}
void Kernels::max_pool(const Tensor& x, const Window&, Tensor&, Tensor&) { missing("max_pool", x); }
void Kernels::max_pool_backward(const Tensor& gradient, const Tensor&, const Window&, Tensor&) {
  missing("max_pool_backward", gradient);
}
void Kernels::average_pool(const Tensor& x, const Window&, Tensor&) { missing("average_pool", x); }
void Kernels::average_pool_backward(const Tensor& gradient, const Window&, Tensor&) {
  missing("average_pool_backward", gradient);
}
void Kernels::batch_norm_train(const Tensor& x, const Tensor&, const Tensor&, double, Tensor&, Tensor&, Tensor&) {
  missing("batch_norm_train", x);
}
void Kernels::batch_norm_backward(const Tensor& x, const Tensor&, const Tensor&, const Tensor&, const Tensor&, double,
                                  Tensor&, Tensor&, Tensor&) {
  missing("batch_norm_backward", x);
}
void Kernels::batch_norm_activation_train(Unary activation, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                          const Tensor& residual, double epsilon, Tensor& y, Tensor& mean,
                                          Tensor& variance) {
  batch_norm_train(x, gamma, beta, epsilon, y, mean, variance);
  if (residual.defined()) binary(Binary::add, y, residual, y);
  unary(activation, y, y);
}
void Kernels::batch_norm_activation_backward(Unary activation, const Tensor& x, const Tensor& y, const Tensor& gradient,
                                             const Tensor& gamma, const Tensor&, const Tensor&, const Tensor& mean,
                                             const Tensor& variance, double epsilon, Tensor& dx, Tensor& dgamma,
                                             Tensor& dbeta, Tensor& dresidual) {
  Tensor before = dresidual.defined() ? dresidual : Tensor::empty(x.shape(), x.dtype(), x.device());
  unary_backward(activation, Tensor(), y, gradient, before);
  batch_norm_backward(x, before, gamma, mean, variance, epsilon, dx, dgamma, dbeta);
}
void Kernels::batch_norm_inference(const Tensor& x, const Tensor&, const Tensor&, const Tensor&, const Tensor&, double,
                                   Tensor&) {
  missing("batch_norm_inference", x);
}
void Kernels::layer_norm(const Tensor& x, const Tensor&, const Tensor&, double, Tensor&, Tensor&, Tensor&) {
  missing("layer_norm", x);
}
void Kernels::layer_norm_backward(const Tensor& x, const Tensor&, const Tensor&, const Tensor&, const Tensor&, Tensor&,
                                  Tensor&, Tensor&) {
  missing("layer_norm_backward", x);
}
void Kernels::softmax(const Tensor& x, Tensor&) { missing("softmax", x); }
void Kernels::softmax_backward(const Tensor& y, const Tensor&, Tensor&) { missing("softmax_backward", y); }
void Kernels::log_softmax(const Tensor& x, Tensor&) { missing("log_softmax", x); }
void Kernels::log_softmax_backward(const Tensor& y, const Tensor&, Tensor&) { missing("log_softmax_backward", y); }
bool Kernels::attention(const Attention&, const AttentionOperands& of, bool, Tensor&, Tensor&) {
  missing("attention", of.query);
}
bool Kernels::attention_backward(const Attention&, const AttentionOperands& of, const Tensor&, const Tensor&,
                                 const Tensor&, Tensor&, Tensor&, Tensor&) {
  missing("attention_backward", of.query);
}
void Kernels::sparse_crossentropy(const Tensor& logits, const Tensor&, Tensor&) {
  missing("sparse_crossentropy", logits);
}
void Kernels::sparse_crossentropy_backward(const Tensor& logits, const Tensor&, const Tensor&, Tensor&) {
  missing("sparse_crossentropy_backward", logits);
}
std::int64_t Kernels::rnn_workspace(const RnnDescription&, const Tensor& x, std::int64_t) {
  missing("rnn_workspace", x);
}
void Kernels::rnn(const RnnDescription&, const Tensor& x, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                  const Tensor&, const Tensor&, Tensor&, Tensor&, Tensor&, Tensor&) {
  missing("rnn", x);
}
void Kernels::rnn_backward(const RnnDescription&, const Tensor& x, const Tensor&, const Tensor&, const Tensor&,
                           const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                           const Tensor&, const Tensor&, RnnGradients&) {
  missing("rnn_backward", x);
}
void Kernels::resize_bilinear(const Tensor& x, Tensor&) { missing("resize_bilinear", x); }
void Kernels::resize_bilinear_backward(const Tensor& gradient, Tensor&) {
  missing("resize_bilinear_backward", gradient);
}
void Kernels::sample_image(const Tensor& images, const Tensor&, const Tensor&, const ImageSampling&, Tensor&) {
  missing("sample_image", images);
}
void Kernels::sample_image_backward(const Tensor& gradient, const Tensor&, const Tensor&, const ImageSampling&,
                                    Tensor&) {
  missing("sample_image_backward", gradient);
}
bool Kernels::rounds_variables() const { return false; }
void Kernels::adam_step(const AdamStep&, std::span<const StepVariable> variables) {
  if (!variables.empty()) missing("adam_step", *variables[0].variable);
}
void Kernels::sgd_step(const SgdStep&, std::span<const StepVariable> variables) {
  if (!variables.empty()) missing("sgd_step", *variables[0].variable);
}
void Kernels::rmsprop_step(const RmspropStep&, std::span<const StepVariable> variables) {
  if (!variables.empty()) missing("rmsprop_step", *variables[0].variable);
}
void Kernels::rule_step(const RuleStep&, std::span<const StepVariable> variables) {
  if (!variables.empty()) missing("rule_step", *variables[0].variable);
}
}  // namespace nyala::backend
