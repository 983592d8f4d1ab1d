#include <array>
#include <cmath>

#include <nyala/backend.hpp>

#include "backend/cuda/attention_graph.hpp"
#include "backend/cuda/cuda_kernels.hpp"
#include "backend/cuda/cudnn/graph_builder.hpp"
#include "core/tensor_impl.hpp"

namespace nyala::backend::cuda {
namespace {

AttentionProblem problem_of(const Attention& how, const AttentionOperands& of) {
  const Shape &query = of.query.shape(), &value = of.value.shape();
  AttentionProblem problem{.dtype = of.query.dtype(),
                           .batch = query[0],
                           .rows = query[1],
                           .columns = value[1],
                           .heads = query[2],
                           .groups = value[2],
                           .dim = query[3],
                           .width = value[3]};
  problem.causal = how.causal;
  if (of.mask.defined()) {
    problem.bias_batch = of.mask.shape()[0];
    problem.bias_heads = of.mask.shape()[1];
  }
  return problem;
}

Tensor scalar(CudaKernels& kernels, const Tensor& like, double value) {
  Tensor made = Tensor::empty({}, like.dtype(), like.device());
  kernels.fill(made, value);
  return made;
}

/// The mask as a bias of the operands' dtype, the only form in which the library takes one of any shape: finite, so
/// that a row that is hidden whole gives numbers, and so low that nothing remains of a hidden weight beside any other.
Tensor bias_of(CudaKernels& kernels, const AttentionProblem& p, const AttentionOperands& of) {
  if (!of.mask.defined()) return {};
  Tensor bias = Tensor::empty({p.bias_batch, p.bias_heads, p.rows, p.columns}, p.dtype, of.query.device());
  const double hidden = p.dtype == DType::float16 ? -65504.0 : -1e9;
  kernels.where(of.mask, scalar(kernels, of.query, 0.0), scalar(kernels, of.query, hidden), bias);
  return bias;
}

/// Rows of which the mask hides every column: their weights are all the same, or all 0, which a bias does not say.
class HiddenRows {
 public:
  HiddenRows(CudaKernels& kernels, const AttentionProblem& p, const Tensor& mask) : kernels_(kernels), p_(p) {
    if (!mask.defined()) return;
    const std::int64_t batch = mask.shape()[0], heads = mask.shape()[1], rows = mask.shape()[2];
    Tensor any = Tensor::empty({batch, heads, rows}, DType::boolean, mask.device());
    const std::array<int, 1> columns{3};
    kernels.reduce(Reduce::any, mask, columns, any);
    Tensor by_row = Tensor::empty({batch, rows, heads}, DType::boolean, mask.device());
    const std::array<std::int64_t, 3> strides{heads * rows, 1, rows};
    kernels.strided_read(any, 0, strides, by_row);
    const bool one = heads == 1;
    seen_ = detail::alias(by_row, {batch, rows, one ? 1 : p.groups, one ? 1 : p.heads / p.groups, 1});
  }

  bool possible() const { return seen_.defined(); }
  /// out = in where a row sees something, other elsewhere; other broadcasts to (batch, rows, groups, sharing, width).
  void select(const Tensor& in, const Tensor& other, Tensor& out) const {
    Tensor result = grouped(out);
    kernels_.where(seen_, grouped(in), other, result);
  }
  /// out = in where a row sees nothing, 0 elsewhere.
  void only(const Tensor& in, Tensor& out) const {
    Tensor result = grouped(out);
    kernels_.where(seen_, scalar(kernels_, in, 0.0), grouped(in), result);
  }
  Tensor grouped(const Tensor& x) const {
    return detail::alias(x, {p_.batch, p_.rows, p_.groups, p_.heads / p_.groups, p_.width});
  }

 private:
  CudaKernels& kernels_;
  const AttentionProblem& p_;
  Tensor seen_;
};

/// What every row that sees nothing attends to: the mean of the values (batch, 1, groups, 1, width), or 0.
Tensor unseeing(CudaKernels& kernels, const Attention& how, const AttentionProblem& p, const Tensor& value) {
  if (how.masked_is_zero) return scalar(kernels, value, 0.0);
  Tensor mean = Tensor::empty({p.batch, p.groups, p.width}, p.dtype, value.device());
  const std::array<int, 1> columns{1};
  kernels.reduce(Reduce::mean, value, columns, mean);
  return detail::alias(mean, {p.batch, 1, p.groups, 1, p.width});
}

/// dvalue += what comes to every value alike from the rows that see nothing.
void add_unseeing(CudaKernels& kernels, const AttentionProblem& p, const HiddenRows& hidden, const Tensor& gradient,
                  Tensor& dvalue) {
  Tensor incoming = Tensor::empty(gradient.shape(), p.dtype, gradient.device());
  hidden.only(gradient, incoming);
  Tensor term = Tensor::empty({p.batch, p.groups, p.width}, p.dtype, gradient.device());
  const std::array<int, 2> rows{1, 3};
  kernels.reduce(Reduce::mean, hidden.grouped(incoming), rows, term);
  const double count = static_cast<double>(p.rows * (p.heads / p.groups));
  kernels.binary(Binary::multiply, term, scalar(kernels, gradient, count / static_cast<double>(p.columns)), term);
  kernels.binary(Binary::add, dvalue, detail::alias(term, {p.batch, 1, p.groups, p.width}), dvalue);
}

/// What both passes read or write.
AttentionMemory memory_of(const Attention& how, const AttentionOperands& of, const Tensor& bias, const Tensor& out,
                          const Tensor& stats) {
  return {.scale = static_cast<float>(how.scale),
          .query = of.query.raw_data(),
          .key = of.key.raw_data(),
          .value = of.value.raw_data(),
          .bias = elements<void>(bias),
          .out = out.raw_data(),
          .stats = elements<void>(stats)};
}

}  // namespace

bool CudaKernels::has_attention(const Attention& how, const AttentionOperands& of, bool training) {
  // Its backward adds up in an order of its own each time.
  if (how.dropout_rate > 0.0 || (training && op_determinism_enabled())) return false;
  if (how.causal && of.mask.defined()) return false;
  const std::array<void*, 3> pointers{of.query.raw_data(), of.key.raw_data(), of.value.raw_data()};
  return common_alignment(pointers) == 16 && attention_supported(context_, problem_of(how, of), training);
}

bool CudaKernels::attention(const Attention& how, const AttentionOperands& of, bool training, Tensor& kept,
                            Tensor& out) {
  const AttentionProblem problem = problem_of(how, of);
  const AttentionPass pass = training ? AttentionPass::training : AttentionPass::inference;
  if (training && !attention_has_plan(context_, problem, AttentionPass::backward)) return false;
  if (!attention_has_plan(context_, problem, pass)) return false;
  const Tensor bias = bias_of(*this, problem, of);
  Tensor stats;
  if (training) stats = Tensor::empty({problem.batch, problem.heads, problem.rows}, DType::float32, of.query.device());
  if (!run_attention(context_, problem, pass, memory_of(how, of, bias, out, stats))) return false;
  const HiddenRows hidden(*this, problem, of.mask);
  if (hidden.possible()) hidden.select(out, unseeing(*this, how, problem, of.value), out);
  kept = stats;
  return true;
}

bool CudaKernels::attention_backward(const Attention& how, const AttentionOperands& of, const Tensor& kept,
                                     const Tensor& out, const Tensor& gradient, Tensor& dquery, Tensor& dkey,
                                     Tensor& dvalue) {
  const AttentionProblem problem = problem_of(how, of);
  const HiddenRows hidden(*this, problem, of.mask);
  Tensor incoming = gradient;
  if (hidden.possible()) {
    incoming = Tensor::empty(gradient.shape(), gradient.dtype(), gradient.device());
    hidden.select(gradient, scalar(*this, gradient, 0.0), incoming);
  }
  const std::array<void*, 4> pointers{incoming.raw_data(), dquery.raw_data(), dkey.raw_data(), dvalue.raw_data()};
  if (op_determinism_enabled() || common_alignment(pointers) != 16) return false;
  const Tensor bias = bias_of(*this, problem, of);
  AttentionMemory memory = memory_of(how, of, bias, out, kept);
  memory.gradient = incoming.raw_data();
  memory.dquery = dquery.raw_data();
  memory.dkey = dkey.raw_data();
  memory.dvalue = dvalue.raw_data();
  if (!run_attention(context_, problem, AttentionPass::backward, memory)) return false;
  if (hidden.possible() && !how.masked_is_zero) add_unseeing(*this, problem, hidden, gradient, dvalue);
  return true;
}

}  // namespace nyala::backend::cuda
