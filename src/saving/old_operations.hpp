#pragma once

#include <map>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/layer.hpp>

namespace nyala::saving {

/// tf.keras' layers that stand for TensorFlow functions: TFOpLambda, SlicingOpLambda.
bool is_old_operation(const std::string& class_name);
/// Throws Error for a TensorFlow function without a counterpart.
void check_old_function(const std::string& function);
/// One call of it as today's operation. `structure` holds args and kwargs with markers for `tensors`.
std::vector<KerasTensor> old_operation(const std::string& function, const std::string& name, const Config& structure,
                                       const std::vector<KerasTensor>& tensors,
                                       const std::map<std::string, Tensor>& constants);

}  // namespace nyala::saving
