// Arithmetic with places in a graph: `x * 2 + y`.
#include <nyala/error.hpp>

#include "model/operation.hpp"

namespace nyala {

namespace {

/// A bare number stands in the call itself, as in Keras; other constants beside it.
KerasTensor arithmetic(const char* name, const std::vector<std::pair<const KerasTensor*, const Tensor*>>& operands) {
  std::vector<KerasTensor> inputs;
  CallContext context;
  Config args = Config::array();
  for (const auto& [symbolic, constant] : operands) {
    if (symbolic != nullptr) {
      args.push_back(detail::input_marker(inputs.size()));
      inputs.push_back(*symbolic);
    } else if (!constant->defined()) {
      throw Error(std::string(name) + ": an operand is a null tensor");
    } else if (constant->weak() && constant->rank() == 0) {
      if (constant->dtype() == DType::boolean)
        args.push_back(constant->item<bool>());
      else if (is_floating(constant->dtype()))
        args.push_back(constant->item<double>());
      else
        args.push_back(constant->item<std::int64_t>());
    } else {
      const std::string key = "constant_" + std::to_string(context.tensors.size());
      context.tensors[key] = *constant;
      args.push_back(detail::constant_marker(key));
    }
  }
  context.arguments = Config::object({{"args", args}, {"kwargs", Config::object()}});
  return detail::connect(detail::make_operation(name, Config()), inputs, context).front();
}

}  // namespace

KerasTensor operator+(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Add", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator-(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Subtract", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator*(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Multiply", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator/(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("TrueDivide", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator+(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Add", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator-(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Subtract", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator*(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Multiply", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator/(const KerasTensor& a, const Tensor& b) {
  return arithmetic("TrueDivide", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator+(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Add", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator-(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Subtract", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator*(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Multiply", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator/(const Tensor& a, const KerasTensor& b) {
  return arithmetic("TrueDivide", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator-(const KerasTensor& a) { return arithmetic("Negative", {{&a, nullptr}}); }

}  // namespace nyala
