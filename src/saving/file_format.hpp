#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include <nyala/error.hpp>

namespace nyala::saving {

/// What a file name means.
enum class Format { keras, legacy, weights, shards, unknown };
Format format_of(const std::string& path);

/// The weights' file in a ".keras" archive.
constexpr char weights_member[] = "model.weights.h5";

/// "save: \"x.h5\"": how errors begin.
std::string quoted(const char* function, const std::string& path);
void refuse_to_overwrite(const std::string& path, bool overwrite, const std::string& where);

/// Runs what reads a file; an exhausted memory is the file's fault.
template <class F>
auto reading(const std::string& where, F read) {
  try {
    return read();
  } catch (const std::bad_alloc&) {
    throw Error(where + ": the file asks for more memory than there is");
  } catch (const std::length_error&) {
    throw Error(where + ": the file asks for more memory than there is");
  } catch (const std::logic_error& error) {
    throw Error(where + ": the file holds a value that does not fit (" + error.what() + ")");
  }
}

/// An Error that says which file it is about.
template <class F>
auto about(const std::string& where, F read) {
  try {
    return read();
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.rfind(where, 0) == 0) throw;
    throw Error(where + ": " + text);
  }
}

}  // namespace nyala::saving
