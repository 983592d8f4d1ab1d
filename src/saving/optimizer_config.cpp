#include <nyala/error.hpp>
#include <nyala/optimizer.hpp>

#include "saving/assignments.hpp"
#include "saving/config_values.hpp"
#include "saving/layer_config.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/model_config.hpp"
#include "saving/private_settings.hpp"

namespace nyala::saving {

Config optimizer_config(const Optimizer& optimizer, Form form) {
  Config object = to_config(optimizer);
  set_apart(object);
  if (form == Form::keras3) return object;
  const Config& registered = object.get("registered_name");
  const Config name = registered.is_string() ? registered : object.at("class_name");
  Config legacy = Config::object({{"class_name", name}, {"config", object.at("config")}});
  if (object.contains("nyala")) legacy["nyala"] = object.at("nyala");
  return legacy;
}

namespace {

/// Whether it is one that computes as TensorFlow's Keras did up to 2.10, or older Kerases: files of then, and later the
/// optimizers of keras.optimizers.legacy, whose configs alone have `decay` and no weight_decay.
bool is_old(const Config& object) {
  const KerasVersion& version = version_being_read();
  if (version.before(2, 11)) return true;
  if (version.major >= 3) return false;
  const Config& module = object.get("module");
  return (module.is_string() && module.as_string().ends_with("optimizers.legacy")) ||
         (object.at("config").contains("decay") && !object.at("config").contains("jit_compile"));
}

/// What computes otherwise today keeps the meaning that the file gave it.
void keep_old_meaning(const std::string& class_name, Config& config) {
  const bool alone = version_being_read().stands_alone();
  // With momentum TensorFlow's operation put epsilon under the root.
  const bool has_momentum = config.get("momentum").is_number() && config.at("momentum").as_double() != 0.0;
  if ((class_name == "RMSprop" && !has_momentum) || class_name == "Adagrad")
    config["nyala_epsilon_outside_root"] = true;
  if (class_name == "Adagrad" && alone && !config.contains("initial_accumulator_value"))
    config["initial_accumulator_value"] = 0.0;
  if (class_name == "Nadam") {
    Config decay = config.get("schedule_decay");
    if (!decay.is_number()) decay = config.get("decay");
    config["nyala_schedule_decay"] = decay.is_number() ? decay : Config(0.004);
    config.erase("decay");
  }
  // There the norm of all gradients was meant.
  if (alone && config.get("clipnorm").is_number()) {
    const Config norm = config.at("clipnorm");
    config["global_clipnorm"] = norm;
    config.erase("clipnorm");
  }
}

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
  take_in(object);
  const std::string class_name = class_name_of(object);
  if (class_name.empty())
    throw Error("optimizer: an object with class_name and config was expected, got " + object.json().substr(0, 80));
  try {
    if (class_name.rfind("Custom>", 0) == 0 && !object.contains("registered_name"))
      object["class_name"] = class_name.substr(7);
    if (class_name == "LossScaleOptimizerV3") object["class_name"] = "LossScaleOptimizer";
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
      if (is_old(object))
        keep_old_meaning(class_name_of(object), config);
      else if (version_being_read().major < 3 && class_name_of(object) == "Nadam")
        warn(
            "Nadam of TensorFlow's Keras 2.11 to 2.15 multiplies its product of momenta once for every variable; here, "
            "as in Keras 3, once a step: the losses of the training that goes on differ a little");
      decay_to_schedule(config);
      for (const char* key : {"jit_compile", "is_legacy_optimizer", "schedule_decay", "initial_decay", "loss_scale",
                              "loss_scale_manager", "initial_dynamic_scale"}) {
        if (config.contains(key)) config.erase(key);
      }
      if (class_name_of(object) == "LossScaleOptimizer") {
        // Written up to 3.11; the wrapped optimizer has its own.
        for (const char* key :
             {"learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
              "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"}) {
          if (config.contains(key)) config.erase(key);
        }
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
