#include "model/registry.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <nyala/error.hpp>

#include "model/suggest.hpp"

namespace nyala {

namespace {

struct Registered {
  std::mutex mutex;
  std::map<std::string, std::function<LayerRef(const Config&)>> layers;
  std::map<std::string, std::function<Tensor(const Tensor&)>> activations;
};

Registered& registered() {
  static Registered* all = new Registered;
  return *all;
}

}  // namespace

std::vector<std::string> layer_class_names() {
  std::vector<std::string> names;
  for (const detail::BuiltinLayer& layer : detail::builtin_layers()) names.emplace_back(layer.name);
  return names;
}

void register_layer(const std::string& name, std::function<LayerRef(const Config&)> make) {
  if (name.empty() || !make) throw Error("register_layer: a name and a function are needed");
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.layers[name] = std::move(make);
}

void register_activation(const std::string& name, std::function<Tensor(const Tensor&)> function) {
  if (name.empty() || !function) throw Error("register_activation: a name and a function are needed");
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.activations[name] = std::move(function);
}

LayerRef layer_from_config(const Config& config) {
  const std::string class_name = config.at("class_name").as_string();
  const Config& own_name = config.get("registered_name");
  const std::string name = own_name.is_string() ? own_name.as_string() : class_name;
  std::function<LayerRef(const Config&)> custom;
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    for (const std::string& wanted : {name, class_name}) {
      const auto found = all.layers.find(wanted);
      if (found != all.layers.end()) custom = found->second;
    }
  }
  if (custom) return custom(config.at("config"));
  for (const detail::BuiltinLayer& layer : detail::builtin_layers()) {
    if (class_name == layer.name) return layer.make(config.at("config"));
  }
  throw Error("layer_from_config: no layer class \"" + name + "\" is known" +
              detail::did_you_mean(class_name, layer_class_names()) + "; register_layer<T>(\"" + name +
              "\") makes one known");
}

Config to_config(const LayerRef& layer) {
  if (!layer.defined()) return {};
  const std::string name = layer->class_name();
  const std::vector<std::string> names = layer_class_names();
  const bool builtin = std::find(names.begin(), names.end(), name) != names.end();
  Config object = Config::keras_object("keras.layers", name, layer->config());
  if (!builtin) {
    object["module"] = Config();
    object["registered_name"] = name;
  }
  return object;
}

namespace detail {

std::function<Tensor(const Tensor&)> registered_activation(const std::string& name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.activations.find(name);
  return found == all.activations.end() ? std::function<Tensor(const Tensor&)>() : found->second;
}

}  // namespace detail

}  // namespace nyala
