#include <nyala/error.hpp>
#include <nyala/optimizer.hpp>

#include "saving/config_values.hpp"
#include "saving/layer_config.hpp"
#include "saving/model_config.hpp"

namespace nyala::saving {

Config optimizer_config(const Optimizer& optimizer, Form form) {
  Config object = to_config(optimizer);
  if (form == Form::keras3) return object;
  const Config& registered = object.get("registered_name");
  const Config name = registered.is_string() ? registered : object.at("class_name");
  return Config::object({{"class_name", name}, {"config", object.at("config")}});
}

namespace {

/// Keras 2's `decay`: learning_rate / (1 + decay * iterations), which InverseTimeDecay is.
void decay_to_schedule(Config& config) {
  const Config decay = config.get("decay");
  if (config.contains("decay")) config.erase("decay");
  if (!decay.is_number() || decay.as_double() == 0.0 || !config.get("learning_rate").is_number()) return;
  const Config rate = config.at("learning_rate");
  config["learning_rate"] = Config::keras_object("keras.optimizers.schedules", "InverseTimeDecay",
                                                 Config::object({{"initial_learning_rate", rate},
                                                                 {"decay_steps", 1},
                                                                 {"decay_rate", decay},
                                                                 {"staircase", false},
                                                                 {"name", "InverseTimeDecay"}}));
}

}  // namespace

std::shared_ptr<Optimizer> optimizer_from_config(const Config& given) {
  Config object = plain(given);
  if (object.is_string() || object.is_null()) return nyala::optimizer_from_config(object);
  const std::string class_name = class_name_of(object);
  if (class_name.empty())
    throw Error("optimizer: an object with class_name and config was expected, got " + object.json().substr(0, 80));
  try {
    if (class_name.rfind("Custom>", 0) == 0 && !object.contains("registered_name"))
      object["class_name"] = class_name.substr(7);
    if (object.get("registered_name") == Config(class_name)) object["registered_name"] = nullptr;
    Config& config = object["config"];
    if (config.is_null()) config = Config::object();
    if (!config.is_object()) throw Error("the config must be an object");
    const bool custom = object.get("registered_name").is_string();
    if (!custom) {
      if (config.contains("lr")) {
        const Config rate = config.at("lr");
        config.erase("lr");
        if (!config.contains("learning_rate")) config["learning_rate"] = rate;
      }
      if (is_tensor_config(config.get("learning_rate"))) {
        const double rate = tensor_from_config(config.at("learning_rate")).item<double>();
        config["learning_rate"] = rate;
      }
      decay_to_schedule(config);
      for (const char* key : {"jit_compile", "is_legacy_optimizer", "schedule_decay", "initial_decay", "loss_scale",
                              "loss_scale_manager", "initial_dynamic_scale"}) {
        if (config.contains(key)) config.erase(key);
      }
      if (config.contains("epsilon") && config.at("epsilon").is_null()) config.erase("epsilon");
      if (config.get("inner_optimizer").is_object()) {
        const auto inner = saving::optimizer_from_config(config.at("inner_optimizer"));
        config["inner_optimizer"] = to_config(*inner);
      }
      if (config.get("weight_decay") == Config(false)) config["weight_decay"] = nullptr;
    }
    const auto optimizer = nyala::optimizer_from_config(object);
    if (!custom) refuse_unknown_keys(class_name, config, optimizer->config());
    return optimizer;
  } catch (const Error& error) {
    throw Error("optimizer " + class_name + ": " + error.what());
  }
}

}  // namespace nyala::saving
