#include <algorithm>

#include "backend/common/widened.hpp"
#include "backend/cuda/rnn_dnn.hpp"
#include "backend/cuda/rnn_own.hpp"

namespace nyala::backend::cuda {

std::int64_t CudaKernels::rnn_workspace(const RnnDescription& rnn, const Tensor& x, std::int64_t units) {
  const RnnSizes s(rnn, x, units);
  const std::int64_t own = own_rnn_planes(rnn) * s.plane();
  if (x.dtype() == DType::float64) return own;
  const std::int64_t most = std::max(own, dnn_rnn_workspace(context_, rnn, s));
  return is_half(x.dtype()) ? 2 * most : most;
}

void CudaKernels::rnn(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                      const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask,
                      Tensor& sequence, Tensor& h, Tensor& c, Tensor& workspace) {
  Widened wide(*this);
  const Tensor of_x = wide.in(x), of_h0 = wide.in(h0), of_c0 = wide.in(c0), of_kernel = wide.in(kernel),
               of_recurrent = wide.in(recurrent_kernel), of_bias = wide.in(bias), kept = as_float32(workspace);
  const RnnOperands in{rnn, of_x, of_h0, of_c0, of_kernel, of_recurrent, of_bias, mask};
  Tensor &outputs = wide.out(sequence), &state = wide.out(h), &cell = wide.out(c);
  if (const auto lengths = dnn_rnn_lengths(context_, in))
    dnn_rnn(*this, in, *lengths, outputs, state, cell, kept);
  else
    own_rnn(*this, in, outputs, state, cell, kept);
  wide.finish();
}

void CudaKernels::rnn_backward(const RnnDescription& rnn, const Tensor& x, const Tensor& h0, const Tensor& c0,
                               const Tensor& kernel, const Tensor& recurrent_kernel, const Tensor& bias,
                               const Tensor& mask, const Tensor&, const Tensor& workspace,
                               const Tensor& gradient_sequence, const Tensor& gradient_h, const Tensor& gradient_c,
                               RnnGradients& gradients) {
  Widened wide(*this);
  const Tensor of_x = wide.in(x), of_h0 = wide.in(h0), of_c0 = wide.in(c0), of_kernel = wide.in(kernel),
               of_recurrent = wide.in(recurrent_kernel), of_bias = wide.in(bias), kept = as_float32(workspace),
               of_sequence = wide.in(gradient_sequence), of_h = wide.in(gradient_h), of_c = wide.in(gradient_c);
  const RnnOperands in{rnn, of_x, of_h0, of_c0, of_kernel, of_recurrent, of_bias, mask};
  RnnGradients wider{wide.out(gradients.dx),
                     wide.out(gradients.dh0),
                     wide.out(gradients.dc0),
                     wide.out(gradients.dkernel),
                     wide.out(gradients.drecurrent_kernel),
                     wide.out(gradients.dbias)};
  if (const auto lengths = dnn_rnn_lengths(context_, in))
    dnn_rnn_backward(*this, in, *lengths, kept, of_sequence, of_h, of_c, wider);
  else
    own_rnn_backward(*this, in, kept, of_sequence, of_h, of_c, wider);
  wide.finish();
}

}  // namespace nyala::backend::cuda
