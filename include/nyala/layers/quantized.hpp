#pragma once

#include <nyala/layer.hpp>

namespace nyala {

/// What Keras' Layer.quantize makes of a Dense, EinsumDense, Embedding or
/// ReversibleEmbedding: int8, int4 (whole channels or groups),
/// float8, GPTQ and AWQ. Files bring such layers; they run, and all but their quantized numbers train (a float8 layer
/// does not). `config`: the layer's, with its policy under "quantization_policy". Throws Error for other classes and
/// modes.
LayerRef quantized_layer(const std::string& class_name, const Config& config);

}  // namespace nyala
