#pragma once

#include <map>
#include <string>

#include <nyala/config.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// What an object wants to find again when a training that was cut off goes on: see BackupAndRestore.
struct SavedState {
  /// Null: the object keeps nothing.
  Config values = {};
  /// On the host or a device; they come back on the host.
  std::map<std::string, Tensor> tensors = {};
};

}  // namespace nyala
