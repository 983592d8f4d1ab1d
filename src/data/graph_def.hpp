#pragma once

#include <string>

#include <nyala/model.hpp>

namespace nyala::detail {

/// A GraphDef message with a node per call of a layer, nested models as groups.
std::string graph_def(const Model& model);

}  // namespace nyala::detail
