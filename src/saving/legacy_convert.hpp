#pragma once

#include <string>
#include <vector>

#include <nyala/layer.hpp>

#include "saving/hdf5_reader.hpp"

namespace nyala::saving {

/// A weight that is to be filled, and the layer that it belongs to.
struct Target {
  Variable variable;
  const Layer* owner = nullptr;
  std::string path;  // "bidirectional/forward_lstm/lstm_cell/kernel"
};

/// All trainable weights, then the others: the order of legacy files.
std::vector<Target> targets_of(const Layer& layer, const std::string& prefix);

/// Which program wrote the file.
struct Origin {
  std::string keras_version, backend;
  bool is_keras_1() const { return keras_version.empty() || keras_version.front() == '1'; }
};

/// The values of a layer's weights, from datasets of the file as old versions laid them out. Throws Error for what does
/// not fit.
std::vector<Tensor> converted(const Hdf5Reader& file, const std::vector<std::string>& datasets,
                              const std::vector<Target>& targets, const Origin& origin, const Layer& layer);

}  // namespace nyala::saving
