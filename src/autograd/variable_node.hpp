#pragma once

#include <memory>
#include <utility>

#include "autograd/node.hpp"
#include "autograd/row_gradient.hpp"

namespace nyala::autograd {

/// The source that a variable is.
struct VariableNode final : Node {
  explicit VariableNode(std::shared_ptr<RowGradient> of_rows) : Node("variable", 1), rows(std::move(of_rows)) {}
  RowGradient* row_gradient() override { return rows.get(); }

  std::shared_ptr<RowGradient> rows;  // null: gradients are made anew in each step
};

}  // namespace nyala::autograd
