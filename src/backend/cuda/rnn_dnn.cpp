#include "backend/cuda/rnn_dnn.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include <nyala/backend.hpp>

#include "backend/cuda/cudnn/owned.hpp"
#include "backend/cuda/lru_cache.hpp"
#include "backend/cuda/rnn_layout.hpp"

namespace nyala::backend::cuda {
namespace {

using Dropout = OwnedDnn<cudnnDropoutDescriptor_t, cudnnCreateDropoutDescriptor, cudnnDestroyDropoutDescriptor>;
using Rnn = OwnedDnn<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using Sequence = OwnedDnn<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;

std::optional<cudnnRNNMode_t> mode_of(const RnnDescription& rnn) {
  if (rnn.cell == RnnCell::simple) {
    if (rnn.activation == Unary::tanh) return CUDNN_RNN_TANH;
    if (rnn.activation == Unary::relu) return CUDNN_RNN_RELU;
    return std::nullopt;
  }
  if (rnn.activation != Unary::tanh || rnn.recurrent_activation != Unary::sigmoid) return std::nullopt;
  if (rnn.cell == RnnCell::lstm) return CUDNN_LSTM;
  if (rnn.cell == RnnCell::gru_reset_after) return CUDNN_GRU;
  return std::nullopt;
}

/// What cuDNN counts in 32 bits.
bool fits(const RnnSizes& s) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 8;
  const std::array<std::int64_t, 4> sizes{s.batch, s.time, s.in, s.units};
  return std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size > 0 && size <= most; }) &&
         s.time <= 65535;
}

/// A layer of given sizes: its description, and where its weights lie.
class Network {
 public:
  Network(Context& context, cudnnRNNMode_t mode, const RnnSizes& s, bool tensor_float_32) {
    const cudnnHandle_t handle = context.dnn();
    check(cudnnSetDropoutDescriptor(dropout_.get(), handle, 0.0F, nullptr, 0, 0), "rnn: cudnnSetDropoutDescriptor");
    const auto in = static_cast<std::int32_t>(s.in), units = static_cast<std::int32_t>(s.units);
    check(cudnnSetRNNDescriptor_v8(rnn_.get(), CUDNN_RNN_ALGO_STANDARD, mode, CUDNN_RNN_DOUBLE_BIAS,
                                   CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT,
                                   tensor_float_32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH, in, units, units, 1,
                                   dropout_.get(), CUDNN_RNN_PADDED_IO_ENABLED),
          "rnn: cudnnSetRNNDescriptor_v8");
    check(cudnnGetRNNWeightSpaceSize(handle, rnn_.get(), &weight_bytes_), "rnn: cudnnGetRNNWeightSpaceSize");
    const Scratch space = context.scratch(weight_bytes_);
    const DnnTensor matrix, bias;
    for (std::size_t i = 0; i < static_cast<std::size_t>(2 * s.gates); ++i) {
      void *matrix_at = nullptr, *bias_at = nullptr;
      check(cudnnGetRNNWeightParams(handle, rnn_.get(), 0, weight_bytes_, space.data(), static_cast<std::int32_t>(i),
                                    matrix.get(), &matrix_at, bias.get(), &bias_at),
            "rnn: cudnnGetRNNWeightParams");
      places_.matrix[i] = static_cast<float*>(matrix_at) - space.as<float>();
      places_.bias[i] = static_cast<float*>(bias_at) - space.as<float>();
    }
  }

  cudnnRNNDescriptor_t get() const { return rnn_.get(); }
  std::size_t weight_bytes() const { return weight_bytes_; }
  const WeightPlaces& places() const { return places_; }

 private:
  Dropout dropout_;
  Rnn rnn_;
  std::size_t weight_bytes_ = 0;
  WeightPlaces places_;
};

const Network& network_for(Context& context, const RnnDescription& rnn, const RnnSizes& s) {
  static_cast<void>(context.dnn());  // before the cache, so that it outlives what is made with it
  thread_local LruCache<std::unique_ptr<Network>> networks(64);
  const cudnnRNNMode_t mode = mode_of(rnn).value();
  const bool tensor_float_32 = tensor_float_32_execution_enabled();
  const PlanKey key{context.index(), mode, s.in, s.units, tensor_float_32};
  return *networks.get(key, [&] { return std::make_unique<Network>(context, mode, s, tensor_float_32); });
}

/// Sequences of `lengths` steps, the longest first to last in memory.
Sequence sequence_of(const std::vector<std::int32_t>& lengths, std::int64_t width) {
  Sequence sequence;
  float padding = 0.0F;
  check(cudnnSetRNNDataDescriptor(sequence.get(), CUDNN_DATA_FLOAT, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED,
                                  *std::max_element(lengths.begin(), lengths.end()), static_cast<int>(lengths.size()),
                                  static_cast<int>(width), lengths.data(), &padding),
        "rnn: cudnnSetRNNDataDescriptor");
  return sequence;
}

struct Spaces {
  std::size_t work = 0, reserve = 0;

  Spaces(Context& context, const Network& network, bool training, const Sequence& x) {
    check(cudnnGetRNNTempSpaceSizes(context.dnn(), network.get(),
                                    training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, x.get(), &work,
                                    &reserve),
          "rnn: cudnnGetRNNTempSpaceSizes");
  }
};

/// What both directions need: descriptors, weights in cuDNN's order, x by steps.
class Pass {
 public:
  Pass(Context& context, const RnnOperands& in, const std::vector<std::int32_t>& lengths, bool training)
      : s(in.sizes()),
        network(network_for(context, in.rnn, s)),
        x(sequence_of(lengths, s.in)),
        y(sequence_of(lengths, s.units)),
        spaces(context, network, training, x),
        weights(context.scratch(network.weight_bytes())),
        steps(context.scratch_of<float>(in.x.size())),
        work(context.scratch(spaces.work)) {
    const std::array<int, 3> sizes{1, static_cast<int>(s.batch), static_cast<int>(s.units)};
    const std::array<int, 3> strides{sizes[1] * sizes[2], sizes[2], 1};
    check(cudnnSetTensorNdDescriptor(state.get(), CUDNN_DATA_FLOAT, 3, sizes.data(), strides.data()),
          "rnn: cudnnSetTensorNdDescriptor");
    const LayerWeights layer{elements<float>(in.kernel), elements<float>(in.recurrent_kernel),
                             elements<float>(in.bias)};
    to_weight_space(context, in.rnn, s, network.places(), layer, weights.as<float>());
    to_steps(context, s, elements<float>(in.x), steps.as<float>());
  }

  RnnSizes s;
  const Network& network;
  Sequence x, y;
  DnnTensor state;
  Spaces spaces;
  Scratch weights, steps, work;
};

/// In the workspace: cuDNN's outputs (time, batch, units), then its reserve space, on a boundary of 256 bytes.
std::int64_t reserve_offset(const RnnSizes& s) { return (s.plane() + 63) / 64 * 64; }

}  // namespace

std::optional<std::vector<std::int32_t>> dnn_rnn_lengths(Context& context, const RnnOperands& in) {
  const RnnSizes s = in.sizes();
  if (in.x.dtype() != DType::float32 || !mode_of(in.rnn) || !fits(s) || op_determinism_enabled()) return std::nullopt;
  std::vector<std::int32_t> lengths(static_cast<std::size_t>(s.batch), static_cast<std::int32_t>(s.time));
  if (!in.mask.defined()) return lengths;
  const auto mask = std::make_unique<bool[]>(static_cast<std::size_t>(in.mask.size()));
  context.download(mask.get(), in.mask.raw_data(), static_cast<std::size_t>(in.mask.size()));
  for (std::int64_t row = 0; row < s.batch; ++row) {
    std::int64_t length = 0;
    while (length < s.time && mask[static_cast<std::size_t>(row * s.time + s.time_of(length))]) ++length;
    for (std::int64_t step = length; step < s.time; ++step)
      if (mask[static_cast<std::size_t>(row * s.time + s.time_of(step))]) return std::nullopt;
    if (length == 0) return std::nullopt;
    lengths[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(length);
  }
  return lengths;
}

std::int64_t dnn_rnn_workspace(Context& context, const RnnDescription& rnn, const RnnSizes& s) {
  if (!mode_of(rnn) || !fits(s) || op_determinism_enabled()) return 0;
  const std::vector<std::int32_t> lengths(static_cast<std::size_t>(s.batch), static_cast<std::int32_t>(s.time));
  const Spaces spaces(context, network_for(context, rnn, s), true, sequence_of(lengths, s.in));
  return reserve_offset(s) + static_cast<std::int64_t>((spaces.reserve + sizeof(float) - 1) / sizeof(float));
}

void dnn_rnn(CudaKernels& kernels, const RnnOperands& in, const std::vector<std::int32_t>& lengths, Tensor& sequence,
             Tensor& h, Tensor& c, const Tensor& workspace) {
  Context& context = kernels.context();
  const bool training = workspace.defined();
  const Pass pass(context, in, lengths, training);
  const Scratch own_outputs = context.scratch_of<float>(training ? 0 : pass.s.plane());
  float* outputs = training ? elements<float>(workspace) : own_outputs.as<float>();
  float* reserve = training ? outputs + reserve_offset(pass.s) : nullptr;
  check(
      cudnnRNNForward(context.dnn(), pass.network.get(), training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE,
                      nullptr, pass.x.get(), pass.steps.data(), pass.y.get(), outputs, pass.state.get(),
                      elements<float>(in.h0), elements<float>(h), pass.state.get(), elements<float>(in.c0),
                      elements<float>(c), pass.network.weight_bytes(), pass.weights.data(), pass.spaces.work,
                      pass.work.data(), training ? pass.spaces.reserve : 0, reserve),
      "rnn: cudnnRNNForward");
  if (sequence.defined())
    write_outputs(context, in.rnn, pass.s, elements<const bool>(in.mask), outputs, elements<float>(sequence));
}

void dnn_rnn_backward(CudaKernels& kernels, const RnnOperands& in, const std::vector<std::int32_t>& lengths,
                      const Tensor& workspace, const Tensor& gradient_sequence, const Tensor& gradient_h,
                      const Tensor& gradient_c, Kernels::RnnGradients& gradients) {
  Context& context = kernels.context();
  const Pass pass(context, in, lengths, true);
  const RnnSizes& s = pass.s;
  const bool* mask = elements<const bool>(in.mask);
  const bool lstm = in.rnn.cell == RnnCell::lstm;
  const float* outputs = elements<float>(workspace);
  // A copy: the backward pass writes into it, and may be asked for again.
  const Scratch reserve = context.scratch(pass.spaces.reserve);
  context.copy(reserve.data(), outputs + reserve_offset(s), pass.spaces.reserve);
  const Scratch dy = context.scratch_of<float>(s.plane()), dx = context.scratch_of<float>(in.x.size());
  gather_output_gradient(context, in.rnn, s, mask, elements<float>(gradient_sequence), dy.as<float>());
  const Scratch unasked = context.scratch_of<float>(2 * s.step());
  float* dh0 = gradients.dh0.defined() ? elements<float>(gradients.dh0) : unasked.as<float>();
  float* dc0 = gradients.dc0.defined() ? elements<float>(gradients.dc0) : unasked.as<float>() + s.step();
  check(cudnnRNNBackwardData_v8(context.dnn(), pass.network.get(), nullptr, pass.y.get(), outputs, dy.data(),
                                pass.x.get(), dx.data(), pass.state.get(), elements<float>(in.h0),
                                elements<float>(gradient_h), dh0, pass.state.get(), elements<float>(in.c0),
                                lstm ? elements<float>(gradient_c) : nullptr, lstm ? dc0 : nullptr,
                                pass.network.weight_bytes(), pass.weights.data(), pass.spaces.work, pass.work.data(),
                                pass.spaces.reserve, reserve.data()),
        "rnn: cudnnRNNBackwardData_v8");
  if (gradients.dx.defined()) gradient_from_steps(context, s, mask, dx.as<float>(), elements<float>(gradients.dx));
  if (!gradients.dkernel.defined() && !gradients.drecurrent_kernel.defined() && !gradients.dbias.defined()) return;
  const Scratch dweights = context.scratch(pass.network.weight_bytes());
  check(cudaMemsetAsync(dweights.data(), 0, dweights.bytes(), context.stream()), "rnn: cudaMemsetAsync");
  check(cudnnRNNBackwardWeights_v8(context.dnn(), pass.network.get(), CUDNN_WGRAD_MODE_ADD, nullptr, pass.x.get(),
                                   pass.steps.data(), pass.state.get(), elements<float>(in.h0), pass.y.get(), outputs,
                                   pass.network.weight_bytes(), dweights.data(), pass.spaces.work, pass.work.data(),
                                   pass.spaces.reserve, reserve.data()),
        "rnn: cudnnRNNBackwardWeights_v8");
  const LayerWeights wanted{elements<float>(gradients.dkernel), elements<float>(gradients.drecurrent_kernel),
                            elements<float>(gradients.dbias)};
  from_weight_space(context, in.rnn, s, pass.network.places(), dweights.as<float>(), wanted);
}

}  // namespace nyala::backend::cuda
