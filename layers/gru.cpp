#include "recurrent_units.hpp"

namespace nyala {

GRUCell::GRUCell(int units, GRUCellOptions options) : UnitsCell(units, options, "GRU", 3, 1) {}

Shape GRUCell::bias_shape() const { return options_.reset_after ? Shape{2, gates_ * units_} : Shape{gates_ * units_}; }

Tensors GRUCell::call(const Tensors& inputs, bool training) {
  const auto [x, h] = dropped(inputs, training);
  const Tensor recurrent_kernel = recurrent_kernel_;
  Tensor from_x = matmul(x, kernel_);
  if (options_.use_bias) from_x = from_x + (options_.reset_after ? Tensor(bias_)[0] : Tensor(bias_));
  const std::vector<Tensor> parts = split(from_x, 3, -1);
  Tensor candidate, update;
  if (options_.reset_after) {
    Tensor from_h = matmul(h, recurrent_kernel);
    if (options_.use_bias) from_h = from_h + Tensor(bias_)[1];
    const std::vector<Tensor> own = split(from_h, 3, -1);
    update = recurrent_activation_(parts[0] + own[0]);
    const Tensor reset = recurrent_activation_(parts[1] + own[1]);
    candidate = activation_(parts[2] + reset * own[2]);
  } else {
    const std::vector<Tensor> kernels = split(recurrent_kernel, 3, -1);
    update = recurrent_activation_(parts[0] + matmul(h, kernels[0]));
    const Tensor reset = recurrent_activation_(parts[1] + matmul(h, kernels[1]));
    candidate = activation_(parts[2] + matmul(reset * h, kernels[2]));
  }
  const Tensor next = update * inputs[1] + (1.0 - update) * candidate;
  return {next, next};
}

RnnResult GRUCell::run(const Tensor& x, const std::vector<Tensor>& states, const Tensor& bias, const Tensor& mask,
                       const RnnArguments& arguments) const {
  RnnArguments own = arguments;
  own.reset_after = options_.reset_after;
  return gru(x, states[0], kernel_, recurrent_kernel_, bias, mask, own);
}

template class detail::UnitsCell<GRUCell, GRUCellOptions>;
template class detail::UnitsLayer<GRU, GRUCell, GRUOptions>;

}  // namespace nyala
