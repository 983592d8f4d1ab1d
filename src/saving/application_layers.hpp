#pragma once

#include <string>

#include <nyala/serialization.hpp>

namespace nyala::saving {

/// The layers that keras.applications define for themselves: ConvNeXt's LayerScale, InceptionResNetV2's
/// CustomScaleLayer. Undefined if the class is none of them.
LayerRef application_layer(const std::string& class_name, const Config& config);
/// The Python module that defines such a class; null for all others.
const char* application_module(const std::string& class_name);

}  // namespace nyala::saving
