#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nyala/dtype.hpp>
#include <nyala/path_pattern.hpp>

namespace nyala::detail {

/// What a DTypePolicyMap holds.
struct PolicyMap {
  DTypePolicy fallback;
  std::vector<std::pair<PathPattern, DTypePolicy>> by_path;
  std::string json;  // as Keras writes it

  /// The policy of what stands at that path, in this map.
  static DTypePolicy policy(std::shared_ptr<const PolicyMap> map, const std::string& path);
  /// `source` for what is quantized as Keras' object says.
  static DTypePolicy quantized(DTypePolicy source, std::string object);
};

/// "a/b", or one of them if the other is empty.
std::string path_of(const std::string& outer, const std::string& name);

}  // namespace nyala::detail
