#pragma once

#include <doctest/doctest.h>

#include <nyala/device.hpp>
#include <nyala/ops.hpp>

#include "support/gradcheck.hpp"

namespace nyala::testing {

/// One differentiable operation at one set of shapes and arguments.
struct GradientRow {
  const char* name;
  Function function;
  std::vector<Tensor> inputs;
};

template <class Rows>
void check_rows(const Rows& rows) {
  for (const GradientRow& row : rows) {
    CAPTURE(row.name);
    std::vector<Tensor> inputs;  // made before main chose a device
    for (const Tensor& input : row.inputs) inputs.push_back(input.to(default_device()));
    CHECK(gradcheck(row.function, inputs) == "");
    CHECK(gradgradcheck(row.function, inputs, 1e-5) == "");
  }
}

using Inputs = const std::vector<Tensor>&;

}  // namespace nyala::testing
