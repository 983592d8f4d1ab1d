#include "saving/file_format.hpp"

#include <sys/stat.h>

namespace nyala::saving {

Format format_of(const std::string& path) {
  if (path.ends_with(".keras")) return Format::keras;
  if (path.ends_with(".weights.h5")) return Format::weights;
  if (path.ends_with(".weights.json")) return Format::shards;
  if (path.ends_with(".h5") || path.ends_with(".hdf5")) return Format::legacy;
  return Format::unknown;
}

std::string quoted(const char* function, const std::string& path) {
  return std::string(function) + ": \"" + path + "\"";
}

void refuse_to_overwrite(const std::string& path, bool overwrite, const std::string& where) {
  struct stat status {};
  if (!overwrite && ::stat(path.c_str(), &status) == 0) {
    throw Error(where + " is there already, and overwrite is false");
  }
}

}  // namespace nyala::saving
