#include "saving/config_values.hpp"

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

namespace nyala::saving {

std::string class_name_of(const Config& value) {
  if (!value.is_object()) return {};
  const Config& name = value.get("class_name");
  return name.is_string() ? name.as_string() : std::string();
}

Config plain(const Config& value) {
  if (value.is_array()) {
    std::vector<Config> items;
    for (const Config& item : value.items()) items.push_back(plain(item));
    return Config::array(std::move(items));
  }
  if (!value.is_object()) return value;
  const std::string name = class_name_of(value);
  if ((name == "__tuple__" || name == "TensorShape") && value.get("items").is_array()) return plain(value.at("items"));
  std::vector<Config::Entry> entries;
  for (const auto& [key, entry] : value.entries()) {
    if (key != "__passive_serialization__") entries.emplace_back(key, plain(entry));
  }
  return Config::object(std::move(entries));
}

bool is_tensor_config(const Config& value) {
  const std::string name = class_name_of(value);
  return name == "__numpy__" || name == "__tensor__";
}

namespace {

void flatten(const Config& value, std::size_t depth, const std::vector<std::int64_t>& sizes,
             std::vector<double>& numbers) {
  if (depth == sizes.size()) {
    numbers.push_back(value.is_bool() ? (value.as_bool() ? 1.0 : 0.0) : value.as_double());
    return;
  }
  if (!value.is_array() || static_cast<std::int64_t>(value.size()) != sizes[depth])
    throw Error("config: an array of numbers is ragged");
  for (const Config& item : value.items()) flatten(item, depth + 1, sizes, numbers);
}

Config nested(const std::vector<double>& numbers, const Shape& shape, std::size_t axis, std::size_t& at, DType dtype) {
  if (axis == shape.size()) {
    const double number = numbers[at++];
    if (dtype == DType::boolean) return number != 0.0;
    return is_floating(dtype) ? Config(number) : Config(static_cast<std::int64_t>(number));
  }
  Config items = Config::array();
  for (std::int64_t i = 0; i < shape[axis]; ++i) items.push_back(nested(numbers, shape, axis + 1, at, dtype));
  return items;
}

}  // namespace

Tensor tensor_from_config(const Config& value) {
  const Config& content = value.at("config");
  const DType dtype = dtype_from_name(content.get("dtype", "float32"));
  std::vector<std::int64_t> sizes;
  const Config* level = &content.at("value");
  while (level->is_array()) {
    sizes.push_back(static_cast<std::int64_t>(level->size()));
    if (level->size() == 0) break;
    level = &(*level)[0];
  }
  std::vector<double> numbers;
  flatten(content.at("value"), 0, sizes, numbers);
  return cast(tensor(numbers, Shape(sizes)), dtype);
}

std::string constant_name(const Config& value, std::size_t number) {
  return (class_name_of(value) == "__tensor__" ? "tensor_" : "array_") + std::to_string(number);
}

Config tensor_config(const Tensor& tensor, const std::string& name) {
  const std::vector<double> numbers = tensor.to_vector<double>();
  std::size_t at = 0;
  Config value = nested(numbers, tensor.shape(), 0, at, tensor.dtype());
  const bool as_tensor = name.rfind("tensor_", 0) == 0;
  if (tensor.rank() == 0 && !as_tensor && name.rfind("array_", 0) != 0) return value;
  return Config::object(
      {{"class_name", as_tensor ? "__tensor__" : "__numpy__"},
       {"config", Config::object({{"value", std::move(value)}, {"dtype", name_of(tensor.dtype())}})}});
}

}  // namespace nyala::saving
