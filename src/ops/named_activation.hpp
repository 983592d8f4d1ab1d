#pragma once

#include <optional>
#include <string>

#include <nyala/tensor.hpp>

#include "backend/kernels.hpp"

namespace nyala::ops {

/// An elementwise activation by Keras' name.
struct NamedActivation {
  const char* name;
  std::optional<backend::Unary> kernel;  // of kernels that fuse activations
  bool linear;
  Tensor (*function)(const Tensor&);

  /// Whether kernels that fuse activations know it.
  bool fusible() const { return linear || kernel.has_value(); }
};

/// Throws Error naming op and argument for an unknown name.
const NamedActivation& named_activation(const std::string& name, const char* op, const char* argument);

}  // namespace nyala::ops
