#pragma once

#include <functional>
#include <string>

#include <nyala/serialization.hpp>

namespace nyala::detail {

/// The catalogue of layers is named in one function: linkers drop static initialisers.
struct BuiltinLayer {
  const char* name;
  LayerRef (*make)(const Config&);
};
const std::vector<BuiltinLayer>& builtin_layers();

/// Empty if there is none of that name.
std::function<Tensor(const Tensor&)> registered_activation(const std::string& name);

}  // namespace nyala::detail
