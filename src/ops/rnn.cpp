#include <nyala/ops/rnn.hpp>

#include <nyala/ops/nn.hpp>

#include "ops/nn_support.hpp"
#include "ops/replay.hpp"
#include "ops/rnn_steps.hpp"

namespace nyala {

using backend::Kernels;
using backend::RnnCell;
using ops::RnnOperands;
using ops::RnnOptions;

namespace {

std::int64_t gates_of(RnnCell cell) { return cell == RnnCell::simple ? 1 : cell == RnnCell::lstm ? 4 : 3; }

void require_shape(const Tensor& tensor, const Shape& shape, const char* op, const char* name) {
  if (tensor.defined() && tensor.shape() != shape) {
    ops::fail(op, ": ", name, " must have the shape ", shape, ", got ", tensor.shape());
  }
}

/// Checks shapes against each other and brings all to one dtype.
RnnOperands checked(const RnnOperands& given, RnnCell cell, const char* op) {
  const DType dtype = ops::floating_dtype(given.x, given.kernel, op);
  ops::require_numbers(given.recurrent_kernel, op);
  if (given.x.rank() != 3) ops::fail(op, ": x must be (batch, time, features), got ", given.x.shape());
  const std::int64_t gates = gates_of(cell), batch = given.x.shape()[0], time = given.x.shape()[1];
  if (given.recurrent_kernel.rank() != 2 ||
      given.recurrent_kernel.shape()[1] != gates * given.recurrent_kernel.shape()[0]) {
    ops::fail(op, ": the recurrent kernel must be (units, ", gates, " * units), got ", given.recurrent_kernel.shape());
  }
  const std::int64_t units = given.recurrent_kernel.shape()[0];
  if (given.kernel.rank() != 2 || given.kernel.shape()[0] != given.x.shape()[2]) {
    ops::fail(op, ": the kernel ", given.kernel.shape(), " must take the ", given.x.shape()[2], " features of x ",
              given.x.shape());
  }
  require_shape(given.kernel, {given.x.shape()[2], gates * units}, op, "the kernel");
  require_shape(given.bias, cell == RnnCell::gru_reset_after ? Shape{2, gates * units} : Shape{gates * units}, op,
                "the bias");
  require_shape(given.h0, {batch, units}, op, "the initial state");
  require_shape(given.c0, {batch, units}, op, "the initial cell state");
  require_shape(given.mask, {batch, time}, op, "the mask");
  const auto in = [](const Tensor& x, DType wanted) { return x.defined() ? ops::in_dtype(x, wanted) : x; };
  return {in(given.x, dtype),
          in(given.h0, dtype),
          in(given.c0, dtype),
          in(given.kernel, dtype),
          in(given.recurrent_kernel, dtype),
          in(given.bias, dtype),
          in(given.mask, DType::boolean)};
}

Tensor like_if(bool wanted, const Tensor& x) { return wanted && x.defined() ? ops::empty_like(x) : Tensor(); }

void set_gradients(autograd::Backward& g, const RnnOperands& in, const backend::RnnDescription& rnn,
                   const Tensor& sequence, const Tensor& workspace) {
  Kernels::RnnGradients gradients{like_if(g.needs(0), in.x),
                                  like_if(g.needs(1), in.h0),
                                  like_if(g.needs(2), in.c0),
                                  like_if(g.needs(3), in.kernel),
                                  like_if(g.needs(4), in.recurrent_kernel),
                                  like_if(g.needs(5), in.bias)};
  backend::kernels(in.x).rnn_backward(rnn, in.x, in.h0, in.c0, in.kernel, in.recurrent_kernel, in.bias, in.mask,
                                      sequence, workspace, g.grad(0), g.grad(1), g.grad(2), gradients);
  g.set(0, gradients.dx);
  g.set(1, gradients.dh0);
  g.set(2, gradients.dc0);
  g.set(3, gradients.dkernel);
  g.set(4, gradients.drecurrent_kernel);
  g.set(5, gradients.dbias);
}

RnnResult by_kernel(const RnnOperands& in, const RnnOptions& options, const char* op) {
  const backend::RnnDescription rnn{options.cell, options.activation->kernel, options.recurrent_activation->kernel,
                                    options.go_backwards, options.zero_output_for_mask};
  const std::int64_t batch = in.x.shape()[0], units = in.recurrent_kernel.shape()[0];
  Kernels& kernels = backend::kernels(in.x, in.h0, in.c0, in.kernel, in.recurrent_kernel, in.bias, in.mask);
  const bool recorded = autograd::recording(in.x, in.h0, in.c0, in.kernel, in.recurrent_kernel, in.bias);
  RnnResult result{ops::empty_beside(in.x, Shape{batch, in.x.shape()[1], units}),
                   ops::empty_beside(in.x, Shape{batch, units}), Tensor()};
  if (options.cell == RnnCell::lstm) result.cell_state = ops::empty_beside(in.x, Shape{batch, units});
  Tensor workspace;
  if (recorded) workspace = ops::empty_beside(in.x, Shape{kernels.rnn_workspace(rnn, in.x, units)});
  kernels.rnn(rnn, in.x, in.h0, in.c0, in.kernel, in.recurrent_kernel, in.bias, in.mask, result.sequence, result.state,
              result.cell_state, workspace);
  if (!recorded) return result;
  auto backward = [in, options, rnn, workspace,
                   sequence = autograd::save_output(result.sequence)](autograd::Backward& g) {
    if (autograd::recording(in.differentiable()) || autograd::recording(g.grad(0), g.grad(1), g.grad(2))) {
      ops::differentiate_again(g, in.differentiable(), [&](const std::vector<Tensor>& again) -> std::vector<Tensor> {
        const RnnResult steps =
            ops::rnn_by_steps({again[0], again[1], again[2], again[3], again[4], again[5], in.mask}, options);
        return {steps.sequence, steps.state, steps.cell_state};
      });
    } else {
      set_gradients(g, in, rnn, sequence, workspace);
    }
  };
  autograd::attach_all({&result.sequence, &result.state, &result.cell_state}, op, in.differentiable(),
                       std::move(backward));
  return result;
}

RnnResult run(const RnnOperands& given, RnnCell cell, const RnnArguments& arguments, const char* op) {
  const RnnOperands operands = checked(given, cell, op);
  const RnnOptions options{cell, &ops::named_activation(arguments.activation, op, "activation"),
                           &ops::named_activation(arguments.recurrent_activation, op, "recurrent_activation"),
                           arguments.go_backwards, arguments.zero_output_for_mask};
  const bool fusible = options.activation->fusible() && options.recurrent_activation->fusible();
  const bool empty = operands.x.size() == 0 || operands.recurrent_kernel.size() == 0;
  return fusible && !empty ? by_kernel(operands, options, op) : ops::rnn_by_steps(operands, options);
}

}  // namespace

RnnResult lstm(const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& kernel,
               const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask, const RnnArguments& arguments) {
  return run({x, h0, c0, kernel, recurrent_kernel, bias, mask}, RnnCell::lstm, arguments, "lstm");
}

RnnResult gru(const Tensor& x, const Tensor& h0, const Tensor& kernel, const Tensor& recurrent_kernel,
              const Tensor& bias, const Tensor& mask, const RnnArguments& arguments) {
  return run({x, h0, {}, kernel, recurrent_kernel, bias, mask},
             arguments.reset_after ? RnnCell::gru_reset_after : RnnCell::gru, arguments, "gru");
}

RnnResult simple_rnn(const Tensor& x, const Tensor& h0, const Tensor& kernel, const Tensor& recurrent_kernel,
                     const Tensor& bias, const Tensor& mask, const RnnArguments& arguments) {
  return run({x, h0, {}, kernel, recurrent_kernel, bias, mask}, RnnCell::simple, arguments, "simple_rnn");
}

}  // namespace nyala
