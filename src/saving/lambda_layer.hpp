#pragma once

#include <nyala/serialization.hpp>

namespace nyala::saving {

/// A Lambda layer by the function that register_lambda was told for its name, or by a named function that Nyala knows.
/// Throws Error that says what to register.
LayerRef lambda_from_config(const Config& config);

}  // namespace nyala::saving
