#pragma once

#include <functional>
#include <string>

#include <nyala/serialization.hpp>

namespace nyala::detail {

/// The catalogue of layers is named in one function: linkers drop static initialisers.
struct BuiltinLayer {
  const char* name;
  LayerRef (*make)(const Config&);
  bool quantizable = false;  // make() heeds the key quantization_policy
};
const std::vector<BuiltinLayer>& builtin_layers();
/// Null if there is none of that name.
const BuiltinLayer* builtin_layer(const std::string& name);

/// How a program makes a layer of that registered name ("package>Name") or class name; empty: not registered.
std::function<LayerRef(const Config&)> registered_layer(const std::string& registered_name,
                                                        const std::string& class_name);
/// "package>Name" of a class that a program registered; empty: not registered.
std::string registered_layer_name(const std::string& class_name);
/// What register_lambda was told for that layer; empty if nothing.
std::function<Tensors(const Tensors&)> registered_lambda(const std::string& layer_name);

/// Empty if there is none of that name.
std::function<Tensor(const Tensor&)> registered_activation(const std::string& name);

}  // namespace nyala::detail
