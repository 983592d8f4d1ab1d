#pragma once

#include <set>
#include <string>

#include <nyala/config.hpp>

namespace nyala::saving {

/// The names with "/" in an architecture: layers of Keras 1 and 2 may have them, those of Keras 3 may not.
class SlashedNames {
 public:
  explicit SlashedNames(const Config& architecture);
  /// The same with "_" for "/" wherever one of the names stands.
  Config renamed(const Config& config) const;

 private:
  void collect(const Config& config);
  std::set<std::string> names_;
};

/// "block/conv" -> "block_conv".
std::string without_slashes(std::string name);

}  // namespace nyala::saving
