#include "recurrent_units.hpp"

namespace nyala {

SimpleRNNCell::SimpleRNNCell(int units, SimpleRNNCellOptions options) : UnitsCell(units, options, "SimpleRNN", 1, 1) {}

Tensors SimpleRNNCell::call(const Tensors& inputs, bool training) {
  const auto [x, h] = dropped(inputs, training);
  Tensor z = matmul(x, kernel_) + matmul(h, recurrent_kernel_);
  if (options_.use_bias) z = z + Tensor(bias_);
  const Tensor next = activation_(z);
  return {next, next};
}

RnnResult SimpleRNNCell::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                             const RnnArguments& arguments) const {
  return simple_rnn(x, states[0], kernel_, recurrent_kernel_, bias, mask, arguments);
}

Config SimpleRNN::config() const {
  Config config = UnitsLayer::config();
  config.erase("seed");
  return config;
}

template class detail::UnitsCell<SimpleRNNCell, SimpleRNNCellOptions>;
template class detail::UnitsLayer<SimpleRNN, SimpleRNNCell, SimpleRNNOptions>;

}  // namespace nyala
