// What a call of an operation was given, out of the structure that Keras records.
#include <algorithm>

#include <nyala/error.hpp>

#include "model/operation.hpp"

namespace nyala::detail {

Config input_marker(std::size_t place) { return Config::object({{"__input__", place}}); }
Config constant_marker(const std::string& key) { return Config::object({{"__constant__", key}}); }

std::optional<std::size_t> input_place(const Config& value) {
  if (!value.is_object() || value.size() != 1 || value.entries().front().first != "__input__") return {};
  return static_cast<std::size_t>(value.entries().front().second.as_integer());
}

const std::string* constant_key(const Config& value) {
  if (!value.is_object() || value.size() != 1 || value.entries().front().first != "__constant__") return nullptr;
  return &value.entries().front().second.as_string();
}

namespace {

void flatten_numbers(const Config& value, std::size_t depth, std::vector<std::int64_t>& sizes,
                     std::vector<double>& numbers, bool& whole, bool& boolean) {
  if (!value.is_array()) {
    if (depth != sizes.size()) throw Error("an array of numbers is ragged");
    if (value.is_bool()) {
      numbers.push_back(value.as_bool() ? 1.0 : 0.0);
      return;
    }
    boolean = false;
    whole = whole && value.is_integer();
    numbers.push_back(value.as_double());
    return;
  }
  const auto size = static_cast<std::int64_t>(value.size());
  if (depth == sizes.size() && numbers.empty())
    sizes.push_back(size);
  else if (depth >= sizes.size() || sizes[depth] != size)
    throw Error("an array of numbers is ragged");
  for (const Config& item : value.items()) flatten_numbers(item, depth + 1, sizes, numbers, whole, boolean);
}

}  // namespace

OperationArguments::OperationArguments(const OperationEntry& entry, const Config& construction,
                                       const CallContext& context, const Tensors& inputs)
    : construction_(construction), context_(context), inputs_(inputs) {
  if (!context.arguments.is_object()) {
    for (std::size_t i = 0; i < inputs.size(); ++i) call_.push_back(input_marker(i));
    return;
  }
  const Config& args = context.arguments.get("args");
  if (args.is_array()) call_ = args.items();
  const Config& kwargs = context.arguments.get("kwargs");
  if (!kwargs.is_object() || kwargs.size() == 0) return;
  const std::vector<std::string> names = split_words(entry.call);
  for (const auto& [key, value] : kwargs.entries()) {
    const auto found = std::find(names.begin(), names.end(), key);
    if (found == names.end() && !names.empty() && names.back() == "**") {
      surplus_[key] = value;
      continue;
    }
    if (found == names.end()) throw Error(std::string(entry.name) + ": there is no argument \"" + key + "\"");
    const auto place = static_cast<std::size_t>(found - names.begin());
    if (call_.size() <= place) call_.resize(place + 1);
    call_[place] = value;
  }
}

Tensor OperationArguments::as_tensor(const Config& value) const {
  if (const auto place = input_place(value)) {
    if (*place >= inputs_.size()) throw Error("there is no input " + std::to_string(*place));
    return inputs_[*place];
  }
  if (const std::string* key = constant_key(value)) return context_.tensors.at(*key);
  if (value.is_bool()) return Tensor(value.as_bool());
  if (value.is_integer()) return Tensor(value.as_integer());
  if (value.is_number()) return Tensor(value.as_double());
  if (value.is_array()) {
    const bool holds_tensors =
        std::any_of(value.items().begin(), value.items().end(), [](const Config& item) { return item.is_object(); });
    if (holds_tensors) {
      std::vector<Tensor> parts;
      for (const Config& item : value.items()) parts.push_back(as_tensor(item));
      return stack(parts, 0);
    }
    std::vector<std::int64_t> sizes;
    std::vector<double> numbers;
    bool whole = true, boolean = value.size() > 0;
    flatten_numbers(value, 0, sizes, numbers, whole, boolean);
    const Tensor doubles = nyala::tensor(numbers, Shape(sizes));
    return cast(doubles, boolean ? DType::boolean : whole && !numbers.empty() ? DType::int32 : floatx());
  }
  throw Error("a tensor or a number was expected, got " + value.json().substr(0, 80));
}

Tensor OperationArguments::tensor(std::size_t i) const {
  if (i >= call_.size()) throw Error("argument " + std::to_string(i + 1) + " is missing");
  return as_tensor(call_[i]);
}

std::vector<Tensor> OperationArguments::tensors(std::size_t i) const {
  if (i >= call_.size()) throw Error("argument " + std::to_string(i + 1) + " is missing");
  if (!call_[i].is_array()) return {as_tensor(call_[i])};
  std::vector<Tensor> list;
  for (const Config& item : call_[i].items()) list.push_back(as_tensor(item));
  return list;
}

Axes OperationArguments::axes(const std::string& key) const {
  const Config& value = construction_.get(key);
  if (value.is_null()) return {};
  std::vector<int> axes;
  for (const std::int64_t axis : value.as_integers()) axes.push_back(Config(axis).as_int());
  return axes;
}

}  // namespace nyala::detail
