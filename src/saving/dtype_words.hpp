#pragma once

#include <string>

#include <nyala/config.hpp>

namespace nyala::saving {

/// The dtype of a layer's config in today's words: the name of a policy, a DTypePolicyMap as it is, and for a layer
/// that runs quantized the policy that says so under "quantization_policy" (and the map that it came from under
/// "policy_map"). Throws Error for a policy that is not known.
void dtype_words(Config& config, const std::string& class_name);

}  // namespace nyala::saving
