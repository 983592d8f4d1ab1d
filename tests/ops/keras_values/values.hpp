#pragma once

#include <map>
#include <string>
#include <vector>

namespace nn {

/// What Keras gives, by the name of the call.
using Values = std::map<std::string, std::vector<double>>;

}  // namespace nn
