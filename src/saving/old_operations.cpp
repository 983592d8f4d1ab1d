// TensorFlow functions as layers (TFOpLambda, SlicingOpLambda): how tf.keras kept arithmetic in graphs.
#include "saving/old_operations.hpp"

#include <algorithm>
#include <cctype>

#include <nyala/error.hpp>

#include "model/graph.hpp"
#include "model/operation.hpp"
#include "model/suggest.hpp"
#include "saving/config_values.hpp"

namespace nyala::saving {

namespace {

/// Today's operation and what became of each argument: its place in the call ("0"), an option of the construction
/// ("=axis"), or nothing ("-": only a default can stand there). TensorFlow's `name` means nothing here: where it is the
/// last, as nearly everywhere, it is not written.
struct OldFunction {
  const char* operation;
  std::vector<std::pair<const char*, const char*>> arguments;
};

const std::map<std::string, OldFunction>& functions() {
  static const std::map<std::string, OldFunction> table = {
      {"__operators__.add", {"Add", {{"x", "0"}, {"y", "1"}}}},
      {"math.add", {"Add", {{"x", "0"}, {"y", "1"}}}},
      {"math.multiply", {"Multiply", {{"x", "0"}, {"y", "1"}}}},
      {"math.subtract", {"Subtract", {{"x", "0"}, {"y", "1"}}}},
      {"math.truediv", {"TrueDivide", {{"x", "0"}, {"y", "1"}}}},
      {"math.divide", {"TrueDivide", {{"x", "0"}, {"y", "1"}}}},
      {"math.pow", {"Power", {{"x", "0"}, {"y", "1"}}}},
      {"math.maximum", {"Maximum", {{"x", "0"}, {"y", "1"}}}},
      {"math.minimum", {"Minimum", {{"x", "0"}, {"y", "1"}}}},
      {"math.floordiv", {"FloorDivide", {{"x", "0"}, {"y", "1"}}}},
      {"math.floormod", {"Mod", {{"x", "0"}, {"y", "1"}}}},
      {"math.equal", {"Equal", {{"x", "0"}, {"y", "1"}}}},
      {"math.not_equal", {"NotEqual", {{"x", "0"}, {"y", "1"}}}},
      {"math.greater", {"Greater", {{"x", "0"}, {"y", "1"}}}},
      {"math.greater_equal", {"GreaterEqual", {{"x", "0"}, {"y", "1"}}}},
      {"math.less", {"Less", {{"x", "0"}, {"y", "1"}}}},
      {"math.less_equal", {"LessEqual", {{"x", "0"}, {"y", "1"}}}},
      {"math.logical_and", {"LogicalAnd", {{"x", "0"}, {"y", "1"}}}},
      {"math.logical_or", {"LogicalOr", {{"x", "0"}, {"y", "1"}}}},
      {"math.divide_no_nan", {"DivideNoNan", {{"x", "0"}, {"y", "1"}}}},
      {"__operators__.ne", {"NotEqual", {{"x", "0"}, {"y", "1"}}}},
      {"__operators__.eq", {"Equal", {{"x", "0"}, {"y", "1"}}}},
      {"math.abs", {"Absolute", {{"x", "0"}}}},
      {"math.negative", {"Negative", {{"x", "0"}}}},
      {"math.square", {"Square", {{"x", "0"}}}},
      {"math.sqrt", {"Sqrt", {{"x", "0"}}}},
      {"math.rsqrt", {"Rsqrt", {{"x", "0"}}}},
      {"math.exp", {"Exp", {{"x", "0"}}}},
      {"math.log", {"Log", {{"x", "0"}}}},
      {"math.log1p", {"Log1p", {{"x", "0"}}}},
      {"math.sin", {"Sin", {{"x", "0"}}}},
      {"math.cos", {"Cos", {{"x", "0"}}}},
      {"math.tan", {"Tan", {{"x", "0"}}}},
      {"math.tanh", {"Tanh", {{"x", "0"}}}},
      {"math.sign", {"Sign", {{"x", "0"}}}},
      {"math.floor", {"Floor", {{"x", "0"}}}},
      {"math.ceil", {"Ceil", {{"x", "0"}}}},
      {"math.round", {"Round", {{"x", "0"}}}},
      {"math.reciprocal", {"Reciprocal", {{"x", "0"}}}},
      {"math.sigmoid", {"Sigmoid", {{"x", "0"}}}},
      {"math.erf", {"Erf", {{"x", "0"}}}},
      {"math.logical_not", {"LogicalNot", {{"x", "0"}}}},
      {"math.is_nan", {"Isnan", {{"x", "0"}}}},
      {"math.reduce_mean", {"Mean", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_sum", {"Sum", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_max", {"Max", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_min", {"Min", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_prod", {"Prod", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_std", {"Std", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_variance", {"Var", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_logsumexp", {"Logsumexp", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_any", {"Any", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_all", {"All", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"nn.relu", {"Relu", {{"features", "0"}}}},
      {"nn.relu6", {"Relu6", {{"features", "0"}}}},
      {"nn.elu", {"Elu", {{"features", "0"}}}},
      {"nn.selu", {"Selu", {{"features", "0"}}}},
      {"nn.softplus", {"Softplus", {{"features", "0"}}}},
      {"nn.softsign", {"Softsign", {{"features", "0"}}}},
      {"nn.sigmoid", {"Sigmoid", {{"x", "0"}}}},
      {"nn.tanh", {"Tanh", {{"x", "0"}}}},
      {"nn.silu", {"Silu", {{"features", "0"}}}},
      {"identity", {"Copy", {{"input", "0"}}}},
      {"stop_gradient", {"StopGradient", {{"input", "0"}}}},
      {"nn.softmax", {"Softmax", {{"logits", "0"}, {"axis", "=axis"}}}},
      {"nn.gelu", {"Gelu", {{"features", "0"}, {"approximate", "=approximate"}}}},
      {"nn.leaky_relu", {"LeakyRelu", {{"features", "0"}, {"alpha", "=negative_slope"}}}},
      {"reshape", {"Reshape", {{"tensor", "0"}, {"shape", "=newshape"}}}},
      {"expand_dims", {"ExpandDims", {{"input", "0"}, {"axis", "=axis"}}}},
      {"squeeze", {"Squeeze", {{"input", "0"}, {"axis", "=axis"}, {"name", "-"}, {"squeeze_dims", "-"}}}},
      {"transpose", {"Transpose", {{"a", "0"}, {"perm", "=axes"}, {"conjugate", "-"}}}},
      {"compat.v1.transpose", {"Transpose", {{"a", "0"}, {"perm", "=axes"}, {"name", "-"}, {"conjugate", "-"}}}},
      {"concat", {"Concatenate", {{"values", "0"}, {"axis", "=axis"}}}},
      {"stack", {"Stack", {{"values", "0"}, {"axis", "=axis"}}}},
      {"cast", {"Cast", {{"x", "0"}, {"dtype", "=dtype"}}}},
      {"clip_by_value", {"Clip", {{"t", "0"}, {"clip_value_min", "=x_min"}, {"clip_value_max", "=x_max"}}}},
      {"linalg.matmul", {"Matmul", {{"a", "0"}, {"b", "1"}, {"transpose_a", "~0"}, {"transpose_b", "~1"}}}},
      {"gather",
       {"Take",
        {{"params", "0"}, {"indices", "1"}, {"validate_indices", "-"}, {"axis", "=axis"}, {"batch_dims", "-"}}}},
      {"compat.v1.gather",
       {"Take",
        {{"params", "0"},
         {"indices", "1"},
         {"validate_indices", "-"},
         {"name", "-"},
         {"axis", "=axis"},
         {"batch_dims", "-"}}}},
      {"tile", {"Tile", {{"input", "0"}, {"multiples", "=repeats"}}}},
      {"one_hot",
       {"OneHot",
        {{"indices", "0"},
         {"depth", "=num_classes"},
         {"on_value", "-"},
         {"off_value", "-"},
         {"axis", "=axis"},
         {"dtype", "=dtype"}}}},
      {"where", {"Where", {{"condition", "0"}, {"x", "1"}, {"y", "2"}}}},
      {"math.argmax", {"Argmax", {{"input", "0"}, {"axis", "=axis"}, {"output_type", "-"}}}},
      {"split",
       {"Split", {{"value", "0"}, {"num_or_size_splits", "=indices_or_sections"}, {"axis", "=axis"}, {"num", "-"}}}},
      {"unstack", {"Unstack", {{"value", "0"}, {"num", "=num"}, {"axis", "=axis"}}}},
      {"math.asin", {"Arcsin", {{"x", "0"}}}},
      {"math.acos", {"Arccos", {{"x", "0"}}}},
      {"math.atan", {"Arctan", {{"x", "0"}}}},
      {"math.sinh", {"Sinh", {{"x", "0"}}}},
      {"math.cosh", {"Cosh", {{"x", "0"}}}},
      {"math.asinh", {"Arcsinh", {{"x", "0"}}}},
      {"math.acosh", {"Arccosh", {{"x", "0"}}}},
      {"math.atanh", {"Arctanh", {{"x", "0"}}}},
      {"math.expm1", {"Expm1", {{"x", "0"}}}},
      {"math.log_sigmoid", {"LogSigmoid", {{"x", "0"}}}},
      {"math.rint", {"Round", {{"x", "0"}}}},
      {"math.is_inf", {"Isinf", {{"x", "0"}}}},
      {"math.is_finite", {"Isfinite", {{"x", "0"}}}},
      {"math.softplus", {"Softplus", {{"features", "0"}}}},
      {"math.atan2", {"Arctan2", {{"y", "0"}, {"x", "1"}}}},
      {"math.logical_xor", {"LogicalXor", {{"x", "0"}, {"y", "1"}}}},
      {"compat.v1.floor_div", {"FloorDivide", {{"x", "0"}, {"y", "1"}}}},
      {"compat.v1.math.scalar_mul", {"Multiply", {{"scalar", "0"}, {"x", "1"}}}},
      {"math.scalar_mul", {"Multiply", {{"scalar", "0"}, {"x", "1"}}}},
      {"nn.bias_add", {"Add", {{"value", "0"}, {"bias", "1"}, {"data_format", "-"}}}},
      {"math.l2_normalize",
       {"Normalize", {{"x", "0"}, {"axis", "=axis"}, {"epsilon", "=epsilon"}, {"name", "-"}, {"dim", "-"}}}},
      {"compat.v1.squeeze", {"Squeeze", {{"input", "0"}, {"axis", "=axis"}, {"name", "-"}, {"squeeze_dims", "-"}}}},
      {"compat.v1.expand_dims", {"ExpandDims", {{"input", "0"}, {"axis", "=axis"}, {"name", "-"}, {"dim", "-"}}}},
      {"compat.v1.pad",
       {"Pad",
        {{"tensor", "0"}, {"paddings", "=pad_width"}, {"mode", "=mode"}, {"name", "-"}, {"constant_values", "-"}}}},
      {"pad", {"Pad", {{"tensor", "0"}, {"paddings", "=pad_width"}, {"mode", "=mode"}, {"constant_values", "-"}}}},
      {"tensordot", {"Tensordot", {{"a", "0"}, {"b", "1"}, {"axes", "=axes"}}}},
      {"compat.v1.norm",
       {"Norm",
        {{"tensor", "0"},
         {"ord", "-"},
         {"axis", "=axis"},
         {"keepdims", "=keepdims"},
         {"name", "-"},
         {"keep_dims", "-"}}}},
      {"norm", {"Norm", {{"tensor", "0"}, {"ord", "-"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.reduce_euclidean_norm", {"Norm", {{"input_tensor", "0"}, {"axis", "=axis"}, {"keepdims", "=keepdims"}}}},
      {"math.cumsum", {"Cumsum", {{"x", "0"}, {"axis", "=axis"}, {"exclusive", "-"}, {"reverse", "-"}}}},
      {"math.cumprod", {"Cumprod", {{"x", "0"}, {"axis", "=axis"}, {"exclusive", "-"}, {"reverse", "-"}}}},
      {"reverse", {"Flip", {{"tensor", "0"}, {"axis", "=axis"}}}},
      {"roll", {"Roll", {{"input", "0"}, {"shift", "=shift"}, {"axis", "=axis"}}}},
      {"repeat", {"Repeat", {{"input", "0"}, {"repeats", "=repeats"}, {"axis", "=axis"}}}},
      {"math.top_k", {"TopK", {{"input", "0"}, {"k", "=k"}, {"sorted", "=sorted"}, {"index_type", "-"}}}},
      {"sort", {"Sort", {{"values", "0"}, {"axis", "=axis"}, {"direction", "-"}}}},
      {"argsort", {"Argsort", {{"values", "0"}, {"axis", "=axis"}, {"direction", "-"}, {"stable", "-"}}}},
      {"zeros_like", {"ZerosLike", {{"input", "0"}, {"dtype", "=dtype"}}}},
      {"compat.v1.zeros_like", {"ZerosLike", {{"tensor", "0"}, {"dtype", "=dtype"}, {"name", "-"}, {"optimize", "-"}}}},
      {"ones_like", {"OnesLike", {{"input", "0"}, {"dtype", "=dtype"}}}},
      {"compat.v1.ones_like", {"OnesLike", {{"tensor", "0"}, {"dtype", "=dtype"}, {"name", "-"}, {"optimize", "-"}}}},
      {"nn.log_softmax", {"LogSoftmax", {{"logits", "0"}, {"axis", "=axis"}}}},
      {"image.resize",
       {"Resize",
        {{"images", "0"},
         {"size", "=size"},
         {"method", "=interpolation"},
         {"preserve_aspect_ratio", "-"},
         {"antialias", "=antialias"}}}},
      {"image.rgb_to_grayscale", {"RGBToGrayscale", {{"images", "0"}}}},
      {"nn.depth_to_space", {"DepthToSpace", {{"input", "0"}, {"block_size", "=block_size"}, {"data_format", "-"}}}},
      {"nn.space_to_depth", {"SpaceToDepth", {{"input", "0"}, {"block_size", "=block_size"}, {"data_format", "-"}}}},
      {"nn.max_pool2d",
       {"MaxPool",
        {{"input", "0"},
         {"ksize", "=pool_size"},
         {"strides", "=strides"},
         {"padding", "=padding"},
         {"data_format", "-"}}}},
      {"nn.avg_pool2d",
       {"AveragePool",
        {{"input", "0"},
         {"ksize", "=pool_size"},
         {"strides", "=strides"},
         {"padding", "=padding"},
         {"data_format", "-"}}}},
      {"math.count_nonzero", {"CountNonzero", {{"input", "0"}, {"axis", "=axis"}, {"keepdims", "-"}, {"dtype", "-"}}}},
      {"math.argmin", {"Argmin", {{"input", "0"}, {"axis", "=axis"}, {"output_type", "-"}}}},
      {"broadcast_to", {"BroadcastTo", {{"input", "0"}, {"shape", "=shape"}}}},
      {"compat.v1.nn.embedding_lookup",
       {"Take",
        {{"params", "0"},
         {"ids", "1"},
         {"partition_strategy", "-"},
         {"name", "-"},
         {"validate_indices", "-"},
         {"max_norm", "-"}}}},
      {"nn.embedding_lookup",
       {"Take",
        {{"params", "0"},
         {"ids", "1"},
         {"partition_strategy", "-"},
         {"name", "-"},
         {"validate_indices", "-"},
         {"max_norm", "-"}}}},
      {"math.squared_difference", {"Subtract", {{"x", "0"}, {"y", "1"}}}},
      {"math.add_n", {"Sum", {{"inputs", "0"}}}},
      {"keras.backend.batch_flatten", {"Reshape", {{"x", "0"}}}},
      {"__operators__.getitem", {"GetItem", {{"x", "0"}, {"slice_spec", "1"}}}},
  };
  return table;
}

bool is_default(const std::string& argument, const Config& value) {
  if (argument == "name") return true;
  static const std::vector<Config> defaults = {false,  0,     "int64",     "int32",     "euclidean",
                                               "NHWC", "mod", "ASCENDING", "ascending", "div"};
  return value.is_null() || std::find(defaults.begin(), defaults.end(), value) != defaults.end();
}

/// Words and defaults of TensorFlow in a construction, as Keras 3 has them.
void translate(const OldFunction& old, Config& construction) {
  const std::string operation = old.operation;
  for (const char* key : {"mode", "padding", "interpolation"}) {
    const Config value = construction.get(key);
    if (!value.is_string()) continue;
    std::string word = value.as_string();
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    construction[key] = word;
  }
  for (const char* name : {"Take", "Argmax", "Argmin", "Cumsum", "Cumprod"}) {
    if (operation == name && construction.get("axis").is_null()) construction["axis"] = 0;
  }
  for (const char* key : {"pool_size", "strides"}) {
    const Config value = construction.get(key);
    if (value.is_array() && value.size() == 4) construction[key] = Config::array({value[1], value[2]});
  }
  // TensorFlow gives the sizes of the parts, Keras where they end.
  if (const Config sizes = construction.get("indices_or_sections"); operation == "Split" && sizes.is_array()) {
    Config places = Config::array();
    std::int64_t place = 0;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      const std::int64_t size = sizes[i].as_integer();
      if (size < 0 || size > (std::int64_t{1} << 40)) throw Error("split: a part of the size " + sizes[i].json());
      places.push_back(place += size);
    }
    construction["indices_or_sections"] = places;
  }
}

/// A slice as tf.keras wrote it: {start, stop, step}.
Config slice_of(const Config& value) {
  if (value.is_array()) {
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(slice_of(item));
    return items;
  }
  if (!value.is_object() || !value.contains("start") || !value.contains("stop")) return value;
  const auto part = [&](const char* key) { return value.get(key); };
  return Config::object(
      {{"class_name", "__slice__"},
       {"config", Config::object({{"start", part("start")}, {"stop", part("stop")}, {"step", part("step")}})}});
}

}  // namespace

bool is_old_operation(const std::string& class_name) {
  if (class_name == "TensorFlowOpLayer") {
    throw Error(
        "a TensorFlowOpLayer holds a TensorFlow graph, which cannot be read; save the model by a later tf.keras");
  }
  return class_name == "TFOpLambda" || class_name == "SlicingOpLambda";
}

void check_old_function(const std::string& function) {
  if (function == "einsum") throw Error("tf.keras does not write the operands of tf.einsum to the file");
  if (functions().count(function) != 0) return;
  std::vector<std::string> names;
  for (const auto& [name, entry] : functions()) names.push_back(name);
  throw Error("the TensorFlow function \"" + function + "\" has no counterpart" +
              detail::did_you_mean(function, names));
}

std::vector<KerasTensor> old_operation(const std::string& function, const std::string& name, const Config& structure,
                                       const std::vector<KerasTensor>& tensors,
                                       const std::map<std::string, Tensor>& constants) {
  const OldFunction& old = functions().at(function);
  Config construction = Config::object(), args = Config::array();
  std::vector<Config> places;
  std::vector<KerasTensor> operands = tensors;
  std::vector<bool> transposed(2);
  const auto set = [&](const std::string& argument, const std::string& today, const Config& value) {
    if (today == "-") {
      if (!is_default(argument, value))
        throw Error(function + ": the argument " + argument + " = " + value.json().substr(0, 40) + " is not supported");
    } else if (today[0] == '~') {
      transposed[static_cast<std::size_t>(today[1] - '0')] = value == Config(true);
    } else if (today[0] == '=') {
      const std::string key = today.substr(1);
      const bool negative_bool = value.is_null() && key == "keepdims";
      if (const std::string* constant = detail::constant_key(value))
        construction[key] = constants.at(*constant).rank() == 0
                                ? tensor_config(constants.at(*constant))
                                : tensor_config(constants.at(*constant)).at("config").at("value");
      else if (!negative_bool)
        construction[key] = value;
    } else {
      const auto place = static_cast<std::size_t>(today[0] - '0');
      if (places.size() <= place) places.resize(place + 1);
      places[place] = argument == "slice_spec" ? slice_of(value) : value;
    }
  };
  const Config& given = structure.at("args");
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (i == old.arguments.size() && (given[i].is_null() || given[i].is_string())) break;  // its name
    if (i >= old.arguments.size()) throw Error(function + ": too many arguments");
    set(old.arguments[i].first, old.arguments[i].second, given[i]);
  }
  for (const auto& [key, value] : structure.at("kwargs").entries()) {
    const auto found = std::find_if(old.arguments.begin(), old.arguments.end(),
                                    [&, wanted = key](const auto& argument) { return wanted == argument.first; });
    if (found == old.arguments.end() && key == "name") continue;
    if (found == old.arguments.end()) throw Error(function + ": there is no argument \"" + key + "\"");
    set(key, found->second, value);
  }
  if (construction.contains("dtype") && construction.at("dtype").is_object()) {
    const Config dtype = construction.at("dtype").get("config");
    construction["dtype"] = dtype;
  }
  translate(old, construction);
  const auto also = [&](const char* class_name, const Config& made, const std::vector<KerasTensor>& of) {
    const Config call =
        Config::object({{"args", Config::array({detail::input_marker(0)})}, {"kwargs", Config::object()}});
    return detail::connect(detail::make_operation(class_name, made), of, {.arguments = call}).at(0);
  };
  for (std::size_t i = 0; i < transposed.size(); ++i) {
    if (!transposed[i]) continue;
    const auto operand = i < places.size() ? detail::input_place(places[i]) : std::nullopt;
    if (!operand || *operand >= operands.size())
      throw Error(function + ": only a tensor of the graph can be transposed");
    // One tensor may stand on both sides.
    operands.push_back(also("Swapaxes", Config::object({{"axis1", -1}, {"axis2", -2}}), {operands[*operand]}));
    places[i] = detail::input_marker(operands.size() - 1);
  }
  if (function == "math.add_n" && places.size() == 1) {
    const Config parts = places[0];
    construction["axis"] = 0;
    places = {parts};
  }
  if (function == "keras.backend.batch_flatten" && !tensors.empty()) {
    std::int64_t size = 1;
    for (std::size_t i = 1; i < tensors[0].shape().size() && size > 0 && size < (std::int64_t{1} << 30); ++i)
      size *= std::min<std::int64_t>(tensors[0].shape()[i], std::int64_t{1} << 30);
    construction["newshape"] = Config::array({-1, size > 0 ? size : -1});
  }
  construction["name"] = name;
  for (const Config& place : places) args.push_back(place);
  const Config call = Config::object({{"args", args}, {"kwargs", Config::object()}});
  std::vector<KerasTensor> results = detail::connect(detail::make_operation(old.operation, construction), operands,
                                                     {.arguments = call, .tensors = constants});
  if (function == "math.squared_difference") return {also("Square", Config::object(), results)};
  return results;
}

}  // namespace nyala::saving
