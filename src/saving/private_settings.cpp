#include "saving/private_settings.hpp"

#include <string>
#include <vector>

namespace nyala::saving {

namespace {

constexpr char beside[] = "nyala";

bool is_private(const std::string& key) { return key.rfind("nyala_", 0) == 0; }

}  // namespace

void set_apart(Config& object) {
  if (!object.is_object() || !object.get("config").is_object()) return;
  Config settings = Config::object();
  Config& config = object["config"];
  if (config.get("inner_optimizer").is_object()) set_apart(config["inner_optimizer"]);
  std::vector<std::string> keys;
  for (const auto& [key, value] : config.entries()) {
    if (is_private(key)) keys.push_back(key);
  }
  for (const std::string& key : keys) {
    settings[key] = config.at(key);
    config.erase(key);
  }
  if (!keys.empty()) object[beside] = std::move(settings);  // which moves `config`
}

void take_in(Config& object) {
  if (!object.is_object() || !object.get(beside).is_object() || !object.get("config").is_object()) return;
  const Config settings = object.at(beside);
  for (const auto& [key, value] : settings.entries()) {
    if (is_private(key)) object["config"][key] = value;
  }
  object.erase(beside);
}

}  // namespace nyala::saving
