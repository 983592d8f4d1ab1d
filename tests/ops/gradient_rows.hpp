#pragma once

#include <doctest/doctest.h>

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
    CHECK(gradcheck(row.function, row.inputs) == "");
    CHECK(gradgradcheck(row.function, row.inputs, 1e-5) == "");
  }
}

using Inputs = const std::vector<Tensor>&;

}  // namespace nyala::testing
