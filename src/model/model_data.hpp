#pragma once

#include <nyala/model_data.hpp>

#include "model/model_state.hpp"

namespace nyala::detail {

/// Data in the order of the model's inputs or outputs. Data by name must name each of them once; `what` ("fit: x")
/// begins the error otherwise.
Tensors in_input_order(const ModelState& state, const ModelData& data, const char* what);
Tensors in_output_order(const ModelState& state, const ModelData& data, const char* what);

}  // namespace nyala::detail
