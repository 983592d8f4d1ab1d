#include "model/registry.hpp"

#include <map>
#include <mutex>

#include <nyala/error.hpp>

namespace nyala {

namespace {

struct Registered {
  std::mutex mutex;
  std::map<std::string, std::function<LayerRef(const Config&)>> layers;
  std::map<std::string, std::function<Tensor(const Tensor&)>> activations;
  std::map<std::string, std::function<Tensors(const Tensors&)>> lambdas;
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

void register_lambda(const std::string& layer_name, std::function<Tensors(const Tensors&)> function) {
  if (layer_name.empty() || !function) throw Error("register_lambda: a layer's name and a function are needed");
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.lambdas[layer_name] = std::move(function);
}

namespace detail {

const BuiltinLayer* builtin_layer(const std::string& name) {
  for (const BuiltinLayer& layer : builtin_layers()) {
    if (name == layer.name) return &layer;
  }
  return nullptr;
}

namespace {

std::string after_package(const std::string& name) { return name.substr(name.find('>') + 1); }

}  // namespace

std::function<LayerRef(const Config&)> registered_layer(const std::string& registered_name,
                                                        const std::string& class_name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  for (const std::string& wanted : {registered_name, class_name}) {
    const auto found = all.layers.find(wanted);
    if (found != all.layers.end()) return found->second;
  }
  if (registered_name.find('>') != std::string::npos) return {};
  for (const auto& [name, make] : all.layers) {
    if (after_package(name) == class_name) return make;
  }
  return {};
}

std::string registered_layer_name(const std::string& class_name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  for (const auto& [name, make] : all.layers) {
    if (after_package(name) == class_name) return name;
  }
  return {};
}

std::function<Tensors(const Tensors&)> registered_lambda(const std::string& layer_name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.lambdas.find(layer_name);
  return found == all.lambdas.end() ? std::function<Tensors(const Tensors&)>() : found->second;
}

std::function<Tensor(const Tensor&)> registered_activation(const std::string& name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.activations.find(name);
  return found == all.activations.end() ? std::function<Tensor(const Tensor&)>() : found->second;
}

}  // namespace detail

}  // namespace nyala
