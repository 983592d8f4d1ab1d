#pragma once

#include <string>

#include <nyala/model.hpp>

#include "saving/assignments.hpp"
#include "saving/hdf5_reader.hpp"
#include "saving/hdf5_writer.hpp"

// Keras' older ".h5" files: weights by layer, with lists of names.

namespace nyala::saving {

/// The version that written files name, since readers look at it.
inline constexpr char keras_version[] = "3.15.1";
inline constexpr char backend_name[] = "tensorflow";

void write_legacy_weights(Hdf5Writer& writer, const std::string& group, const Model& model);
void write_legacy_optimizer(Hdf5Writer& writer, const std::string& group, const Model& model);

struct LegacyOptions {
  bool by_name = false;
  bool skip_mismatch = false;
};
/// Throws Error for what does not fit; nothing has been assigned then (unless at once).
void read_legacy_weights(const Hdf5Reader& file, const std::string& group, const Model& model,
                         const LegacyOptions& options, Assignments& assignments);
/// Does nothing if the file has no such group.
void read_legacy_optimizer(const Hdf5Reader& file, const std::string& group, const Model& model,
                           Assignments& assignments);

}  // namespace nyala::saving
