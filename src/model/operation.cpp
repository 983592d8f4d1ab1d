// Keras' operations as nodes of graphs: `x * 2 + y`, ops.mean, slices.
#include "model/operation.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include <nyala/error.hpp>

#include "model/layer_state.hpp"
#include "model/suggest.hpp"

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

std::vector<std::string> words(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

const Config no_config = Config::object();

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
  const std::vector<std::string> names = words(entry.call);
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

namespace {

const std::map<std::string, OperationEntry>& table() {
  static const auto* all = [] {
    auto* entries = new std::map<std::string, OperationEntry>;
    for (const auto& part : {math_operations(), shape_operations(), reduction_operations(), nn_operations(),
                             order_operations(), rare_operations(), statistics_operations(), image_operations(),
                             sample_operations(), special_operations(), sequence_operations()}) {
      for (const OperationEntry& entry : part) entries->emplace(entry.name, entry);
    }
    return entries;
  }();
  return *all;
}

class Operation : public Layer {
 public:
  Operation(const OperationEntry& entry, Config config) : entry_(entry), config_(std::move(config)) {
    state_->is_operation = true;
    state_->custom_backward = CustomBackward::no;
    state_->built = true;
    state_->name = config_.get("name", "");
    state_->name_given = !state_->name.empty();
    config_["name"] = name();
  }

  Tensors call_with(const Tensors& inputs, const CallContext& context) override {
    return entry_.run(OperationArguments(entry_, config_, context, inputs));
  }
  std::string class_name() const override { return entry_.name; }
  Config config() const override { return config_; }
  const OperationEntry& entry() const { return entry_; }

 private:
  const OperationEntry& entry_;
  Config config_;
};

constexpr std::int64_t max_probe_elements = std::int64_t{1} << 28;

struct Inferred {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
};

Inferred run_on(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                std::int64_t unknown, bool identity) {
  const StopRecording stop;
  Tensors inputs;
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    Shape shape = shapes[i];
    for (std::int64_t& size : shape) size = size == None ? unknown : size;
    elements += shape.elements();
    if (elements > max_probe_elements || elements < 0) {
      throw Error("an input of shape " + shapes[i].str() + " is too large");
    }
    if (identity && shape.rank() >= 2 && i == 0)
      inputs.push_back(broadcast_to(eye(shape.at(-2), shape.at(-1), 0, dtypes[i]), shape));
    else
      inputs.push_back(zeros(shape, dtypes[i]));
  }
  Inferred result;
  for (const Tensor& output : node.layer->call_with(inputs, node.context)) {
    result.shapes.push_back(output.shape());
    result.dtypes.push_back(output.dtype());
  }
  return result;
}

/// Two sizes for what is unknown: what differs in the outputs is unknown there. Small ones first; some operations
/// (an index, a division into parts) need larger ones.
Inferred probe(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
               bool identity) {
  const bool known = std::all_of(shapes.begin(), shapes.end(), [](const Shape& shape) { return shape.known(); });
  if (known) return run_on(node, shapes, dtypes, 1, identity);
  const auto with = [&](std::int64_t one, std::int64_t other) {
    Inferred result = run_on(node, shapes, dtypes, one, identity);
    const Inferred second = run_on(node, shapes, dtypes, other, identity);
    for (std::size_t i = 0; i < result.shapes.size(); ++i) {
      if (i >= second.shapes.size() || result.shapes[i].rank() != second.shapes[i].rank())
        throw Error("the rank of an output is not fixed");
      for (std::size_t axis = 0; axis < result.shapes[i].size(); ++axis) {
        if (result.shapes[i][axis] != second.shapes[i][axis]) result.shapes[i][axis] = None;
      }
    }
    return result;
  };
  const auto as_one = [&] {
    // The unknown axis meets a known one, and gives way to it; what stays 1 may be anything.
    Inferred result = run_on(node, shapes, dtypes, 1, identity);
    for (Shape& shape : result.shapes) {
      for (std::int64_t& size : shape) size = size == 1 ? None : size;
    }
    return result;
  };
  try {
    return with(2, 3);
  } catch (const Error&) {}
  try {
    return with(120, 240);
  } catch (const Error&) {
    try {
      return as_one();
    } catch (const Error&) {}
    throw;
  }
}

Shape broadcast_shape(const std::vector<Shape>& shapes) {
  std::size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.size());
  Shape result;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    std::int64_t size = 1;
    for (const Shape& shape : shapes) {
      if (axis + shape.size() < rank) continue;
      const std::int64_t own = shape[axis + shape.size() - rank];
      if (own == 1 || own == size) continue;
      if (size != 1 && size != None && own != None)
        throw Error("the shapes " + shapes.front().str() + " and " + shape.str() + " do not broadcast");
      if (size == 1 || own != None) size = own;
    }
    result.push_back(size);
  }
  return result;
}

Inferred elementwise(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  std::vector<Shape> ones, all = shapes;
  for (const Shape& shape : shapes) ones.push_back(Shape(std::vector<std::int64_t>(shape.size(), 1)));
  Inferred result = run_on(node, ones, dtypes, 1, false);
  if (result.shapes.size() == 1) {
    // What is left over from constants.
    all.push_back(result.shapes.front());
    result.shapes.front() = broadcast_shape(all);
  }
  return result;
}

Inferred infer(const GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  const OperationEntry& entry = *operation_of(*node.layer);
  if (node.layer->class_name() == "Reshape" && shapes.size() == 1 && !shapes.front().known()) {
    // A shape that is told in full needs nothing of the input's.
    const Shape asked = node.layer->config().get("newshape").as_shape();
    if (std::all_of(asked.begin(), asked.end(), [](std::int64_t size) { return size >= 0; })) return {{asked}, dtypes};
  }
  if (entry.rule == ShapeRule::elementwise) return elementwise(node, shapes, dtypes);
  return probe(node, shapes, dtypes, entry.rule == ShapeRule::probe_identity);
}

}  // namespace

const OperationEntry* find_operation(const std::string& name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : table()) names.push_back(name);
  return names;
}

LayerRef make_operation(const std::string& class_name, const Config& config) {
  const OperationEntry* entry = find_operation(class_name);
  if (entry == nullptr) {
    if (const char* reason = why_refused(class_name)) throw Error("the operation " + class_name + ": " + reason);
    throw Error("no operation \"" + class_name + "\" is known" + did_you_mean(class_name, operation_names()));
  }
  std::vector<std::string> known = words(entry->construction);
  known.insert(known.end(), {"name", "trainable", "dtype"});
  for (const auto& [key, value] : config.is_null() ? no_config.entries() : config.entries()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error("operation " + class_name + ": there is no key \"" + key + "\"" + did_you_mean(key, known));
    }
  }
  return LayerRef(std::shared_ptr<Layer>(std::make_shared<Operation>(*entry, config.is_null() ? no_config : config)));
}

const OperationEntry* operation_of(const Layer& layer) {
  const auto* operation = dynamic_cast<const Operation*>(&layer);
  return operation == nullptr ? nullptr : &operation->entry();
}

void infer_operation(GraphNode& node, const std::vector<Shape>& shapes, const std::vector<DType>& dtypes) {
  Inferred result = infer(node, shapes, dtypes);
  node.shapes = std::move(result.shapes);
  node.dtypes = std::move(result.dtypes);
}

std::vector<Shape> operation_shapes(const GraphNode& node, const std::vector<Shape>& shapes) {
  std::vector<DType> dtypes;
  for (const KerasTensor& input : node.inputs) dtypes.push_back(input.dtype());
  return infer(node, shapes, dtypes).shapes;
}

}  // namespace nyala::detail

namespace nyala {

namespace {

/// A bare number stands in the call itself, as in Keras; other constants beside it.
KerasTensor arithmetic(const char* name, const std::vector<std::pair<const KerasTensor*, const Tensor*>>& operands) {
  std::vector<KerasTensor> inputs;
  CallContext context;
  Config args = Config::array();
  for (const auto& [symbolic, constant] : operands) {
    if (symbolic != nullptr) {
      args.push_back(detail::input_marker(inputs.size()));
      inputs.push_back(*symbolic);
    } else if (!constant->defined()) {
      throw Error(std::string(name) + ": an operand is a null tensor");
    } else if (constant->weak() && constant->rank() == 0) {
      if (constant->dtype() == DType::boolean)
        args.push_back(constant->item<bool>());
      else if (is_floating(constant->dtype()))
        args.push_back(constant->item<double>());
      else
        args.push_back(constant->item<std::int64_t>());
    } else {
      const std::string key = "constant_" + std::to_string(context.tensors.size());
      context.tensors[key] = *constant;
      args.push_back(detail::constant_marker(key));
    }
  }
  context.arguments = Config::object({{"args", args}, {"kwargs", Config::object()}});
  return detail::connect(detail::make_operation(name, Config()), inputs, context).front();
}

}  // namespace

KerasTensor operator+(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Add", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator-(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Subtract", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator*(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("Multiply", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator/(const KerasTensor& a, const KerasTensor& b) {
  return arithmetic("TrueDivide", {{&a, nullptr}, {&b, nullptr}});
}
KerasTensor operator+(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Add", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator-(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Subtract", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator*(const KerasTensor& a, const Tensor& b) {
  return arithmetic("Multiply", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator/(const KerasTensor& a, const Tensor& b) {
  return arithmetic("TrueDivide", {{&a, nullptr}, {nullptr, &b}});
}
KerasTensor operator+(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Add", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator-(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Subtract", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator*(const Tensor& a, const KerasTensor& b) {
  return arithmetic("Multiply", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator/(const Tensor& a, const KerasTensor& b) {
  return arithmetic("TrueDivide", {{nullptr, &a}, {&b, nullptr}});
}
KerasTensor operator-(const KerasTensor& a) { return arithmetic("Negative", {{&a, nullptr}}); }

}  // namespace nyala
