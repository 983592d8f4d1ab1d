#pragma once

#include <nyala/layers/recurrent.hpp>

namespace nyala {

template <std::size_t N>
struct ConvLSTMOptions {
  Dims<N> strides = 1;
  std::string padding = "valid", data_format = {};
  Dims<N> dilation_rate = 1;
  ActivationRef activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  InitializerRef kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal",
                 bias_initializer = "zeros";
  bool unit_forget_bias = true;
  RegularizerRef kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {};
  ConstraintRef kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0.0, recurrent_dropout = 0.0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// One step of ConvLSTM: an LSTM whose products are convolutions; states h and c have the output's shape.
template <std::size_t N>
class ConvLSTMCell : public LayerOf<ConvLSTMCell<N>, RecurrentCell> {
 public:
  ConvLSTMCell(int filters, Dims<N> kernel_size, ConvLSTMOptions<N> options);

  void build(const Shape& input) override;
  void build_all(const std::vector<Shape>& inputs) override { build(inputs.front()); }
  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<std::int64_t> state_sizes() const override { return {filters_, filters_}; }
  int step_rank() const override { return static_cast<int>(N) + 2; }
  std::vector<Shape> state_shapes(const Shape& step) const override;
  Shape output_shape(const Shape& step) const override;
  void begin_sequence(const Tensor& x, const std::vector<Tensor>& states) override;
  std::string class_name() const override { return "ConvLSTMCell"; }
  Config config() const override;

 private:
  int filters_;
  Dims<N> kernel_size_;
  ConvLSTMOptions<N> options_;
  ActivationFunction activation_, recurrent_activation_;
  SeedGenerator seed_;
  Variable kernel_, recurrent_kernel_, bias_;
  std::vector<Tensor> input_masks_, state_masks_;
};

/// LSTM over pictures: (batch, time, spatial…, channels) -> (batch, spatial…, filters), with a time axis after the
/// batch if return_sequences. Shi et al. 2015. https://keras.io/api/layers/recurrent_layers/conv_lstm2d/
template <std::size_t N>
class ConvLSTM : public LayerOf<ConvLSTM<N>, RecurrentLayer> {
 public:
  ConvLSTM(int filters, Dims<N> kernel_size, ConvLSTMOptions<N> options = {});
  static ConvLSTM from_config(const Config& config);
  std::string class_name() const override;
  Config config() const override;
};
using ConvLSTM1D = ConvLSTM<1>;
using ConvLSTM2D = ConvLSTM<2>;
using ConvLSTM3D = ConvLSTM<3>;

}  // namespace nyala
