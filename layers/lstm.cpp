#include "recurrent_units.hpp"

namespace nyala {

LSTMCell::LSTMCell(int units, LSTMCellOptions options) : UnitsCell(units, options, "LSTM", 4, 2) {}

InitializerRef LSTMCell::bias_initializer() const {
  if (!options_.unit_forget_bias) return options_.bias_initializer;
  return recurrent::forget_gate_ones(options_.bias_initializer, units_, label());
}

Tensors LSTMCell::call(const Tensors& inputs, bool training) {
  const auto [x, h] = dropped(inputs, training);
  Tensor z = matmul(x, kernel_) + matmul(h, recurrent_kernel_);
  if (options_.use_bias) z = z + Tensor(bias_);
  const std::vector<Tensor> gates = split(z, 4, -1);
  const Tensor input = recurrent_activation_(gates[0]), forget = recurrent_activation_(gates[1]);
  const Tensor c = forget * inputs[2] + input * activation_(gates[2]);
  const Tensor next = recurrent_activation_(gates[3]) * activation_(c);
  return {next, next, c};
}

RnnResult LSTMCell::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                        const RnnArguments& arguments) const {
  return lstm(x, states[0], states[1], kernel_, recurrent_kernel_, bias, mask, arguments);
}

template class detail::UnitsCell<LSTMCell, LSTMCellOptions>;
template class detail::UnitsLayer<LSTM, LSTMCell, LSTMOptions>;

}  // namespace nyala
