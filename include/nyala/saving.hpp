#pragma once

#include <string>

#include <nyala/model.hpp>
#include <nyala/serialization.hpp>

namespace nyala {

/// The model in a ".keras", ".h5" or ".hdf5" file that Keras (1, 2, 3), tf.keras or Nyala saved. Layers, losses and so
/// on of one's own must be registered first. Throws Error, naming file and place, for anything that cannot be loaded.
/// With max_parameter_bytes left as it is, weights of more than 16 times the file's size (and 64 MiB) are refused: what
/// no honest file holds unless it is strongly compressed. https://keras.io/api/models/model_saving_apis/
Model load_model(const std::string& filepath, const LoadOptions& options = {});

/// Rewrites a file in the format that `output`'s name tells: whole models between ".keras", ".h5" and ".hdf5", and from
/// these to ".weights.h5". Throws Error for what cannot be carried over; `output` is as it was then.
void convert(const std::string& input, const std::string& output);

}  // namespace nyala
