#pragma once

#include <nyala/config.hpp>
#include <nyala/tensor.hpp>

namespace nyala::saving {

/// The value without the wrappers of older versions: `__tuple__` and TensorShape become arrays,
/// `__passive_serialization__` goes.
Config plain(const Config& value);

/// Whether the value is a `__numpy__` or `__tensor__` object.
bool is_tensor_config(const Config& value);
/// Throws Error if the numbers are ragged or of an unknown dtype.
Tensor tensor_from_config(const Config& value);
/// What to call the constant so that it is written again as it was read.
std::string constant_name(const Config& value, std::size_t number);
/// As the object that the constant's name tells; else as `__numpy__`, or a bare number for a scalar.
Config tensor_config(const Tensor& tensor, const std::string& name = {});

/// "class_name" if the value is an object that has one, else "".
std::string class_name_of(const Config& value);

}  // namespace nyala::saving
