#pragma once

#include <cstdint>
#include <string>

#include <nyala/model.hpp>

namespace nyala {

struct LoadModelOptions {
  /// Also restore optimizer, loss and metrics, if the file has them.
  bool compile = true;
  /// The most memory that weights and buffers may take, in bytes; 0: 64 MiB and 16 times the size of the file, which no
  /// honest file needs unless it is strongly compressed.
  std::uint64_t memory_limit = 0;
};

/// The model in a ".keras", ".h5" or ".hdf5" file that Keras (1, 2, 3), tf.keras or Nyala saved. Layers, losses and so
/// on of one's own must be registered first. Throws Error, naming file and place, for anything that cannot be loaded.
/// https://keras.io/api/models/model_saving_apis/
Model load_model(const std::string& filepath, const LoadModelOptions& options = {});

/// Rewrites a file in the format that `output`'s name tells: whole models between ".keras", ".h5" and ".hdf5", and from
/// these to ".weights.h5". Throws Error for what cannot be carried over; `output` is as it was then.
void convert(const std::string& input, const std::string& output);

}  // namespace nyala
