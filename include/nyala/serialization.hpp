#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/layer.hpp>

namespace nyala {

class Model;

struct LoadOptions {
  /// Whether the model is compiled as the file says, if it says.
  bool compile = true;
  /// A model that declares more bytes of weights is refused before anything of it is allocated.
  std::uint64_t max_parameter_bytes = std::uint64_t{16} << 30;
};

/// A model of new weights from what Model::to_json, or Keras of any version, wrote. Throws Error naming layer and key.
/// https://keras.io/api/models/model_saving_apis/model_config_serialization/
Model model_from_json(const std::string& json, const LoadOptions& options = {});
/// A model of the same architecture with layers and weights of its own, not compiled.
/// https://keras.io/api/models/model_saving_apis/model_saving_and_loading/#clonemodel-function
Model clone_model(const Model& model);

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
/// Stands for the Lambda layer of that name in files: Python's bytecode is never run. A function of one Tensor does
/// too.
void register_lambda(const std::string& layer_name, std::function<Tensors(const Tensors&)> function);
/// Makes a function known as an activation's name.
void register_activation(const std::string& name, std::function<Tensor(const Tensor&)> function);

}  // namespace nyala
