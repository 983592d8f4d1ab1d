// Arithmetic on places in a graph: nodes whose layer is an operation, as Keras keeps them.
#include <functional>

#include <nyala/error.hpp>
#include <nyala/layer.hpp>

#include "model/graph.hpp"
#include "model/layer_state.hpp"

namespace nyala {

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

class OperationLayer : public Layer {
 public:
  OperationLayer(std::string keras_name, Function function)
      : keras_name_(std::move(keras_name)), function_(std::move(function)) {
    state_->is_operation = true;
    state_->custom_backward = detail::CustomBackward::no;
  }

  Tensors call(const Tensors& inputs, bool) override { return function_(inputs.vector()); }
  DType compute_output_dtype(const std::vector<DType>& inputs) const override { return result_type(inputs); }
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return keras_name_; }

 private:
  std::string keras_name_;
  Function function_;
};

KerasTensor operation(const char* name, const std::vector<KerasTensor>& inputs, Function function) {
  return LayerRef(OperationLayer(name, std::move(function)))(inputs);
}

}  // namespace

KerasTensor operator+(const KerasTensor& a, const KerasTensor& b) {
  return operation("Add", {a, b}, [](const std::vector<Tensor>& x) { return x[0] + x[1]; });
}
KerasTensor operator-(const KerasTensor& a, const KerasTensor& b) {
  return operation("Subtract", {a, b}, [](const std::vector<Tensor>& x) { return x[0] - x[1]; });
}
KerasTensor operator*(const KerasTensor& a, const KerasTensor& b) {
  return operation("Multiply", {a, b}, [](const std::vector<Tensor>& x) { return x[0] * x[1]; });
}
KerasTensor operator/(const KerasTensor& a, const KerasTensor& b) {
  return operation("TrueDivide", {a, b}, [](const std::vector<Tensor>& x) { return x[0] / x[1]; });
}
KerasTensor operator+(const KerasTensor& a, const Tensor& b) {
  return operation("Add", {a}, [b](const std::vector<Tensor>& x) { return x[0] + b; });
}
KerasTensor operator-(const KerasTensor& a, const Tensor& b) {
  return operation("Subtract", {a}, [b](const std::vector<Tensor>& x) { return x[0] - b; });
}
KerasTensor operator*(const KerasTensor& a, const Tensor& b) {
  return operation("Multiply", {a}, [b](const std::vector<Tensor>& x) { return x[0] * b; });
}
KerasTensor operator/(const KerasTensor& a, const Tensor& b) {
  return operation("TrueDivide", {a}, [b](const std::vector<Tensor>& x) { return x[0] / b; });
}
KerasTensor operator+(const Tensor& a, const KerasTensor& b) {
  return operation("Add", {b}, [a](const std::vector<Tensor>& x) { return a + x[0]; });
}
KerasTensor operator-(const Tensor& a, const KerasTensor& b) {
  return operation("Subtract", {b}, [a](const std::vector<Tensor>& x) { return a - x[0]; });
}
KerasTensor operator*(const Tensor& a, const KerasTensor& b) {
  return operation("Multiply", {b}, [a](const std::vector<Tensor>& x) { return a * x[0]; });
}
KerasTensor operator/(const Tensor& a, const KerasTensor& b) {
  return operation("TrueDivide", {b}, [a](const std::vector<Tensor>& x) { return a / x[0]; });
}
KerasTensor operator-(const KerasTensor& a) {
  return operation("Negative", {a}, [](const std::vector<Tensor>& x) { return -x[0]; });
}

}  // namespace nyala
