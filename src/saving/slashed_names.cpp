#include "saving/slashed_names.hpp"

#include <algorithm>

namespace nyala::saving {

std::string without_slashes(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

SlashedNames::SlashedNames(const Config& architecture) { collect(architecture); }

void SlashedNames::collect(const Config& config) {
  if (config.is_array()) {
    for (const Config& item : config.items()) collect(item);
  } else if (config.is_object()) {
    if (config.contains("class_name") && config.get("config").is_object()) {
      const Config& name = config.at("config").get("name");
      if (name.is_string() && name.as_string().find('/') != std::string::npos) names_.insert(name.as_string());
    }
    for (const auto& [key, entry] : config.entries()) collect(entry);
  }
}

Config SlashedNames::renamed(const Config& config) const {
  if (names_.empty()) return config;
  if (config.is_string())
    return names_.count(config.as_string()) != 0 ? Config(without_slashes(config.as_string())) : config;
  if (config.is_array()) {
    Config items = Config::array();
    for (const Config& item : config.items()) items.push_back(renamed(item));
    return items;
  }
  if (!config.is_object()) return config;
  Config object = Config::object();
  for (const auto& [key, entry] : config.entries())
    object[names_.count(key) != 0 ? without_slashes(key) : key] = renamed(entry);
  return object;
}

}  // namespace nyala::saving
