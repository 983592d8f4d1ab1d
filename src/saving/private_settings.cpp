#include "saving/private_settings.hpp"

#include <string>
#include <utility>
#include <vector>

namespace nyala::saving {

namespace {

constexpr char beside[] = "nyala";

bool is_private(const std::string& key) { return key.rfind("nyala_", 0) == 0; }

/// The activation that Keras to 2.x called hard_sigmoid, and the keys that it may stand under: today's Keras does not
/// know the name, and reads the old files with its own hard_sigmoid.
constexpr char old_hard_sigmoid[] = "keras2_hard_sigmoid";
constexpr std::pair<const char*, const char*> old_activations[] = {
    {"activation", "nyala_keras2_activation"}, {"recurrent_activation", "nyala_keras2_recurrent_activation"}};

}  // namespace

void set_apart(Config& object) {
  if (!object.is_object() || !object.get("config").is_object()) return;
  Config settings = Config::object();
  Config& config = object["config"];
  for (const auto& [key, setting] : old_activations) {
    if (config.get(key) != Config(old_hard_sigmoid)) continue;
    config[key] = "hard_sigmoid";
    config[setting] = true;
  }
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
  for (const auto& [key, setting] : old_activations) {
    if (!object["config"].contains(setting)) continue;
    object["config"][key] = old_hard_sigmoid;
    object["config"].erase(setting);
  }
  object.erase(beside);
}

}  // namespace nyala::saving
