#pragma once

#include <string>

#include <nyala/layer.hpp>

namespace nyala::detail {

/// Whether `layer` is Nyala's class of that name itself ("Add", "Conv2DTranspose"): one of the user's may be called so
/// too, or derive from it.
bool is_own_class(const Layer& layer, const std::string& name);

}  // namespace nyala::detail
