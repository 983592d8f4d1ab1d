#pragma once

#include <functional>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/layer.hpp>

namespace nyala {

/// {module, class_name, config, registered_name}: how Keras writes a layer.
/// https://keras.io/api/models/model_saving_apis/
Config to_config(const LayerRef& layer);
/// The layer that such an object describes; a new one. Throws Error for a class that is neither built in nor
/// registered.
LayerRef layer_from_config(const Config& config);

/// Every built-in layer's class name.
std::vector<std::string> layer_class_names();

/// Makes a layer class known by "package>Name", so that files which hold it can be loaded. `make` takes its config.
void register_layer(const std::string& name, std::function<LayerRef(const Config&)> make);
/// The same for a class with a static from_config.
template <class L>
void register_layer(const std::string& name) {
  register_layer(name, [](const Config& config) { return LayerRef(L::from_config(config)); });
}
/// Makes a function known as an activation's name.
void register_activation(const std::string& name, std::function<Tensor(const Tensor&)> function);

}  // namespace nyala
