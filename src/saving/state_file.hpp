#pragma once

#include <string>

#include <nyala/saved_state.hpp>

namespace nyala::saving {

/// Writes values and tensors to one file of Nyala's own, for the kind of machine that it is written on: beside its
/// place, flushed and renamed. Throws Error, beginning with `where`, and leaves the file that was there.
void write_state(const std::string& path, const SavedState& state, const std::string& where);

/// Reads such a file. Throws Error, beginning with `where`, unless it is whole and as it was written.
SavedState read_state(const std::string& path, const std::string& where);

}  // namespace nyala::saving
