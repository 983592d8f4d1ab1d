// Layers from their class objects, of any dialect, and back.
#include <algorithm>
#include <map>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/serialization.hpp>

#include "model/layer_path.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/registry.hpp"
#include "model/suggest.hpp"
#include "saving/application_layers.hpp"
#include "saving/config_values.hpp"
#include "saving/lambda_layer.hpp"
#include "saving/layer_config.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/model_config.hpp"
#include "saving/private_settings.hpp"

namespace nyala {

namespace saving {

namespace {

thread_local SharedObjects* shared_objects = nullptr;

/// Keras' wrappers of what only another framework can run.
constexpr std::pair<const char*, const char*> foreign_layers[] = {
    {"TorchModuleWrapper", "PyTorch"}, {"JaxLayer", "JAX"}, {"FlaxLayer", "Flax"}, {"TFSMLayer", "TensorFlow"}};

}  // namespace

SharedObjects::SharedObjects() : outer_(shared_objects) { shared_objects = this; }
SharedObjects::~SharedObjects() { shared_objects = outer_; }

std::string place_of(const Config& object) {
  const std::string class_name = class_name_of(object);
  std::string name;
  if (object.is_object()) {
    const Config& config = object.get("config");
    if (object.get("name").is_string())
      name = object.at("name").as_string();
    else if (config.is_object() && config.get("name").is_string())
      name = config.at("name").as_string();
  }
  return "layer \"" + name + "\" (" + (class_name.empty() ? "without class_name" : class_name) + ")";
}

void refuse_unknown_keys(const std::string& class_name, const Config& given, const Config& known) {
  for (const auto& [key, value] : given.entries()) {
    if (known.contains(key) || is_ignored_key(key)) continue;
    std::vector<std::string> names;
    for (const auto& [name, known_value] : known.entries()) names.push_back(name);
    throw Error(class_name + ": there is no key \"" + key + "\"" + detail::did_you_mean(key, names));
  }
}

namespace {

LayerRef make_builtin(const std::string& class_name, const Config& config) {
  const detail::BuiltinLayer* entry = detail::builtin_layer(class_name);
  if (entry == nullptr) return {};
  LayerRef layer = entry->make(config);
  refuse_unknown_keys(class_name, config, layer->config());
  return layer;
}

/// Whether the activity regularizer's sum over the batch is meant.
bool take_summed_activity(const std::string& class_name, Config& config) {
  if (config.contains(summed_activity)) {
    const bool summed = config.get(summed_activity, false);
    config.erase(summed_activity);
    return summed;
  }
  const bool regularized = class_name == "ActivityRegularization" || !config.get("activity_regularizer").is_null();
  return version_being_read().sums_activity() && regularized;
}

/// What is frozen in a frozen layer or nested model: Keras 3 asks each layer, those before asked the outer ones too.
void freeze_all_below(Layer& layer) {
  if (version_being_read().major < 3 && !layer.trainable()) layer.set_trainable(false);
}

LayerRef read(const Config& given_object) {
  if (!given_object.is_object())
    throw Error("an object with class_name and config was expected, got " + given_object.json().substr(0, 80));
  Config with_settings;
  if (given_object.contains("nyala")) {
    with_settings = given_object;
    take_in(with_settings);
  }
  const Config& object = with_settings.is_null() ? given_object : with_settings;
  const std::string class_name = object.at("class_name").as_string();
  const Config& own_name = object.get("registered_name");
  const std::string registered = own_name.is_string() ? own_name.as_string() : std::string();
  const Config& given = object.get("config");
  const std::string name = given.is_object() && given.get("name").is_string() ? given.at("name").as_string() : "";
  const detail::LayerPath path =
      object.get("build_config").is_object() ? detail::LayerPath::anew(name) : detail::LayerPath(name);
  if (const auto custom = detail::registered_layer(registered.empty() ? class_name : registered, class_name)) {
    return custom(plain(given));
  }
  if (is_model_class(class_name)) {
    const auto model = std::make_shared<Model>(nested_model(object));
    model->model_state()->as_layer = model;
    freeze_all_below(*model);
    return LayerRef(std::shared_ptr<Layer>(model));
  }
  if (registered.find('>') == std::string::npos || registered.rfind("Addons>", 0) == 0 ||
      registered.rfind("keras>", 0) == 0) {
    if (class_name == "Lambda") return lambda_from_config(plain(given));
    LayerWords words = todays_words(class_name, given);
    const bool summed = take_summed_activity(words.class_name, words.config);
    if (const LayerRef layer = make_builtin(words.class_name, words.config); layer.defined()) {
      detail::state_of(*layer).activity_summed = summed;
      freeze_all_below(*layer);
      return layer;
    }
    if (const LayerRef layer = application_layer(class_name, plain(given)); layer.defined()) return layer;
  }
  for (const auto& [foreign, language] : foreign_layers) {
    if (class_name != foreign) continue;
    throw Error(std::string("it runs ") + language + " code, which the file names but cannot bring along; " +
                "register_layer<T>(\"" + class_name + "\") makes a layer known that does the same");
  }
  const std::string meant = registered.empty() ? class_name : registered;
  throw Error("no layer class \"" + meant + "\" is known" + detail::did_you_mean(class_name, layer_class_names()) +
              "; register_layer<T>(\"" + meant + "\") makes one known");
}

}  // namespace

}  // namespace saving

LayerRef layer_from_config(const Config& object) {
  const Config* id = nullptr;
  saving::SharedObjects* shared = saving::shared_objects;
  if (object.is_object() && object.get("shared_object_id").is_integer()) id = &object.get("shared_object_id");
  if (shared != nullptr && id != nullptr) {
    const auto found = shared->layers.find(id->as_integer());
    if (found != shared->layers.end()) return found->second;
  }
  LayerRef layer;
  try {
    layer = saving::read(object);
  } catch (const Error& error) {
    throw Error("layer_from_config: " + saving::place_of(object) + ": " + error.what());
  }
  if (shared != nullptr && id != nullptr) shared->layers.emplace(id->as_integer(), layer);
  return layer;
}

Config to_config(const LayerRef& layer) { return saving::layer_object(layer, saving::Form::keras3, true); }

}  // namespace nyala
