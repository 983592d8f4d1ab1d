#include "core/policy_map.hpp"

#include <nyala/error.hpp>

namespace nyala {

namespace detail {

std::string path_of(const std::string& outer, const std::string& name) {
  return outer.empty() || name.empty() ? outer + name : outer + "/" + name;
}

DTypePolicy PolicyMap::policy(std::shared_ptr<const PolicyMap> map, const std::string& path) {
  const DTypePolicy* found = nullptr;
  const PathPattern* pattern = nullptr;
  for (const auto& [key, policy] : map->by_path) {
    if (key.text() == path) found = &policy;
  }
  for (const auto& [key, policy] : map->by_path) {
    if ((found != nullptr && pattern == nullptr) || path.empty() || !key.found_in(path)) continue;
    if (found != nullptr) {
      throw Error("DTypePolicyMap: several policies are meant for the layer \"" + path + "\": those of \"" +
                  pattern->text() + "\" and \"" + key.text() + "\"");
    }
    found = &policy;
    pattern = &key;
  }
  DTypePolicy result = found == nullptr ? map->fallback : *found;
  result.map_ = std::move(map);
  result.path_ = path;
  return result;
}

DTypePolicy PolicyMap::quantized(DTypePolicy source, std::string object) {
  source.quantization_ = std::move(object);
  return source;
}

}  // namespace detail

DTypePolicy DTypePolicy::of_layer(const std::string& name) const {
  return map_ == nullptr ? *this : detail::PolicyMap::policy(map_, detail::path_of(path_, name));
}

}  // namespace nyala
