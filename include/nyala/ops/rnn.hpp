#pragma once

#include <string>

#include <nyala/tensor.hpp>

namespace nyala {

/// How a whole sequence is run through a recurrent cell. x is (batch, time, features); masks are bool (batch, time) or
/// null: at a masked step states are carried over and the output repeats the last one (zeros with
/// zero_output_for_mask; zeros before the first step).
struct RnnArguments {
  std::string activation = "tanh";
  std::string recurrent_activation = "sigmoid";
  bool go_backwards = false;
  bool zero_output_for_mask = false;
  bool reset_after = true;  // GRU
};

struct RnnResult {
  Tensor sequence;    // (batch, time, units), in the order of processing
  Tensor state;       // h after the last step: (batch, units)
  Tensor cell_state;  // LSTM's c, else null
};

/// Hochreiter & Schmidhuber 1997; blocks of kernel (in, 4u), recurrent_kernel (u, 4u), bias (4u,) or null: i, f, c, o.
/// Activations by Keras' names; any elementwise one. Null initial states are zeros.
RnnResult lstm(const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& kernel,
               const Tensor& recurrent_kernel, const Tensor& bias, const Tensor& mask = {},
               const RnnArguments& arguments = {});
/// Cho et al. 2014; blocks z, r, h; bias (2, 3u) with reset_after, else (3u,), or null.
RnnResult gru(const Tensor& x, const Tensor& h0, const Tensor& kernel, const Tensor& recurrent_kernel,
              const Tensor& bias, const Tensor& mask = {}, const RnnArguments& arguments = {});
/// h' = activation(x W + b + h U).
RnnResult simple_rnn(const Tensor& x, const Tensor& h0, const Tensor& kernel, const Tensor& recurrent_kernel,
                     const Tensor& bias, const Tensor& mask = {}, const RnnArguments& arguments = {});

}  // namespace nyala
