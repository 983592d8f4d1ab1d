#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

using Inputs = std::vector<Tensor>;
using Outputs = std::vector<Tensor>;
using Run = std::function<Outputs(const Inputs& x, const Config& arguments)>;
using Table = std::map<std::string, Run>;

std::vector<int> ints(const Config& list) {
  std::vector<int> values;
  for (const std::int64_t value : list.as_integers()) values.push_back(static_cast<int>(value));
  return values;
}

Axes axes_of(const Config& a, const std::string& key = "axis") {
  return a.get(key).is_null() ? Axes() : Axes(ints(a.get(key)));
}

bool keepdims(const Config& a) { return a.get("keepdims", false); }

template <class F>
Run unary(F function) {
  return [function](const Inputs& x, const Config&) { return Outputs{function(x[0])}; };
}

template <class F>
Run binary(F function) {
  return [function](const Inputs& x, const Config&) { return Outputs{function(x[0], x[1])}; };
}

template <class F>
Run reduction(F function) {
  return [function](const Inputs& x, const Config& a) { return Outputs{function(x[0], axes_of(a), keepdims(a))}; };
}

Table elementwise() {
  using T = const Tensor&;
  Table table;
  const std::map<std::string, Tensor (*)(T)> of_one = {
      {"negative", negative}, {"abs", abs},           {"square", square},     {"exp", exp},
      {"exp2", exp2},         {"expm1", expm1},       {"erf", erf},           {"sin", sin},
      {"cos", cos},           {"tan", tan},           {"arctan", arctan},     {"sinh", sinh},
      {"cosh", cosh},         {"tanh", tanh},         {"arcsinh", arcsinh},   {"reciprocal", reciprocal},
      {"sigmoid", sigmoid},   {"sqrt", sqrt},         {"rsqrt", rsqrt},       {"log", log},
      {"log1p", log1p},       {"log2", log2},         {"log10", log10},       {"erfinv", erfinv},
      {"arcsin", arcsin},     {"arccos", arccos},     {"arccosh", arccosh},   {"arctanh", arctanh},
      {"sign", sign},         {"floor", floor},       {"ceil", ceil},         {"trunc", trunc},
      {"isnan", isnan},       {"isinf", isinf},       {"isfinite", isfinite}, {"logical_not", logical_not},
      {"ravel", ravel},       {"cholesky", cholesky}, {"inv", inv},           {"det", det}};
  for (const auto& [name, function] : of_one) table[name] = unary(function);
  const std::map<std::string, Tensor (*)(T, T)> of_two = {{"add", add},
                                                          {"subtract", subtract},
                                                          {"multiply", multiply},
                                                          {"divide", divide},
                                                          {"divide_no_nan", divide_no_nan},
                                                          {"floor_divide", floor_divide},
                                                          {"mod", mod},
                                                          {"power", power},
                                                          {"maximum", maximum},
                                                          {"minimum", minimum},
                                                          {"arctan2", arctan2},
                                                          {"hypot", hypot},
                                                          {"logaddexp", logaddexp},
                                                          {"equal", equal},
                                                          {"not_equal", not_equal},
                                                          {"less", less},
                                                          {"less_equal", less_equal},
                                                          {"greater", greater},
                                                          {"greater_equal", greater_equal},
                                                          {"logical_and", logical_and},
                                                          {"logical_or", logical_or},
                                                          {"logical_xor", logical_xor},
                                                          {"dot", dot},
                                                          {"outer", outer},
                                                          {"vdot", vdot},
                                                          {"inner", inner},
                                                          {"solve", solve}};
  for (const auto& [name, function] : of_two) table[name] = binary(function);
  table["round"] = [](const Inputs& x, const Config& a) { return Outputs{round(x[0], a.get("decimals", 0))}; };
  table["nan_to_num"] = [](const Inputs& x, const Config&) { return Outputs{nan_to_num(x[0])}; };
  table["clip"] = [](const Inputs& x, const Config& a) {
    return Outputs{clip(x[0], a.at("x_min").as_double(), a.at("x_max").as_double())};
  };
  table["isclose"] = [](const Inputs& x, const Config&) { return Outputs{isclose(x[0], x[1])}; };
  table["where"] = [](const Inputs& x, const Config&) { return Outputs{where(x[0], x[1], x[2])}; };
  table["cast"] = [](const Inputs& x, const Config& a) {
    return Outputs{cast(x[0], dtype_from_name(a.at("dtype").as_string()))};
  };
  return table;
}

Table reductions() {
  using Reduce = Tensor (*)(const Tensor&, const Axes&, bool);
  Table table;
  const std::map<std::string, Reduce> plain = {
      {"sum", sum}, {"mean", mean},      {"prod", prod},           {"max", max}, {"min", min},
      {"var", var}, {"std", nyala::std}, {"logsumexp", logsumexp}, {"any", any}, {"all", all}};
  for (const auto& [name, function] : plain) table[name] = reduction(function);
  table["norm"] = [](const Inputs& x, const Config& a) {
    std::optional<double> order;
    if (a.contains("ord")) order = golden::number_of(Json::parse(a.at("ord").json()));
    return Outputs{norm(x[0], order, axes_of(a), keepdims(a))};
  };
  table["argmax"] = [](const Inputs& x, const Config& a) {
    return Outputs{argmax(x[0], a.optional_int("axis"), keepdims(a))};
  };
  table["argmin"] = [](const Inputs& x, const Config& a) {
    return Outputs{argmin(x[0], a.optional_int("axis"), keepdims(a))};
  };
  table["count_nonzero"] = [](const Inputs& x, const Config& a) { return Outputs{count_nonzero(x[0], axes_of(a))}; };
  table["cumsum"] = [](const Inputs& x, const Config& a) { return Outputs{cumsum(x[0], a.optional_int("axis"))}; };
  table["cumprod"] = [](const Inputs& x, const Config& a) { return Outputs{cumprod(x[0], a.optional_int("axis"))}; };
  table["moments"] = [](const Inputs& x, const Config& a) {
    const Moments result = moments(x[0], axes_of(a, "axes"), keepdims(a));
    return Outputs{result.mean, result.variance};
  };
  table["sort"] = [](const Inputs& x, const Config& a) { return Outputs{sort(x[0], a.get("axis", -1))}; };
  table["argsort"] = [](const Inputs& x, const Config& a) { return Outputs{argsort(x[0], a.get("axis", -1))}; };
  table["top_k"] = [](const Inputs& x, const Config& a) {
    const TopK result = top_k(x[0], a.at("k").as_integer());
    return Outputs{result.values, result.indices};
  };
  table["in_top_k"] = [](const Inputs& x, const Config& a) {
    return Outputs{in_top_k(x[0], x[1], a.at("k").as_integer())};
  };
  return table;
}

Table algebra() {
  Table table;
  table["matmul"] = [](const Inputs& x, const Config&) { return Outputs{matmul(x[0], x[1])}; };
  table["tensordot"] = [](const Inputs& x, const Config& a) {
    const Config& axes = a.at("axes");
    if (!axes.is_array()) return Outputs{tensordot(x[0], x[1], axes.as_int())};
    return Outputs{tensordot(x[0], x[1], ints(axes[0]), ints(axes[1]))};
  };
  table["einsum"] = [](const Inputs& x, const Config& a) { return Outputs{einsum(a.at("subscripts").as_string(), x)}; };
  table["trace"] = [](const Inputs& x, const Config& a) { return Outputs{trace(x[0], a.get("offset", 0))}; };
  table["normalize"] = [](const Inputs& x, const Config& a) {
    return Outputs{normalize(x[0], a.get("axis", -1), a.get("order", 2.0))};
  };
  return table;
}

Table shapes() {
  Table table;
  const auto axis = [](const Config& a) { return a.at("axis").as_int(); };
  table["reshape"] = [](const Inputs& x, const Config& a) {
    return Outputs{reshape(x[0], a.at("newshape").as_shape())};
  };
  table["expand_dims"] = [axis](const Inputs& x, const Config& a) { return Outputs{expand_dims(x[0], axis(a))}; };
  table["squeeze"] = [](const Inputs& x, const Config& a) { return Outputs{squeeze(x[0], axes_of(a))}; };
  table["transpose"] = [](const Inputs& x, const Config& a) {
    return Outputs{transpose(x[0], a.contains("axes") ? ints(a.at("axes")) : std::vector<int>{})};
  };
  table["swapaxes"] = [](const Inputs& x, const Config& a) {
    return Outputs{swapaxes(x[0], a.at("axis1").as_int(), a.at("axis2").as_int())};
  };
  table["moveaxis"] = [](const Inputs& x, const Config& a) {
    return Outputs{moveaxis(x[0], a.at("source").as_int(), a.at("destination").as_int())};
  };
  table["broadcast_to"] = [](const Inputs& x, const Config& a) {
    return Outputs{broadcast_to(x[0], a.at("shape").as_shape())};
  };
  table["concatenate"] = [axis](const Inputs& x, const Config& a) { return Outputs{concatenate(x, axis(a))}; };
  table["stack"] = [axis](const Inputs& x, const Config& a) { return Outputs{stack(x, axis(a))}; };
  table["unstack"] = [axis](const Inputs& x, const Config& a) { return unstack(x[0], axis(a)); };
  table["split"] = [axis](const Inputs& x, const Config& a) {
    const Config& parts = a.at("indices_or_sections");
    return parts.is_array() ? split(x[0], parts.as_integers(), axis(a)) : split(x[0], parts.as_int(), axis(a));
  };
  table["pad"] = [](const Inputs& x, const Config& a) {
    std::vector<Padding> widths;
    for (const Config& pair : a.at("pad_width").items()) widths.push_back({pair[0].as_integer(), pair[1].as_integer()});
    return Outputs{pad(x[0], widths, a.get("mode", "constant"), a.get("constant_values", 0.0))};
  };
  table["tile"] = [](const Inputs& x, const Config& a) { return Outputs{tile(x[0], a.at("repeats").as_integers())}; };
  table["repeat"] = [](const Inputs& x, const Config& a) {
    return Outputs{repeat(x[0], a.at("repeats").as_integer(), a.optional_int("axis"))};
  };
  table["flip"] = [](const Inputs& x, const Config& a) { return Outputs{flip(x[0], axes_of(a))}; };
  table["roll"] = [](const Inputs& x, const Config& a) {
    return Outputs{roll(x[0], a.at("shift").as_integer(), a.optional_int("axis"))};
  };
  table["diag"] = [](const Inputs& x, const Config& a) { return Outputs{diag(x[0], a.get("k", 0))}; };
  table["diagonal"] = [](const Inputs& x, const Config& a) {
    return Outputs{diagonal(x[0], a.get("offset", 0), a.get("axis1", 0), a.get("axis2", 1))};
  };
  table["tril"] = [](const Inputs& x, const Config& a) { return Outputs{tril(x[0], a.get("k", 0))}; };
  table["triu"] = [](const Inputs& x, const Config& a) { return Outputs{triu(x[0], a.get("k", 0))}; };
  return table;
}

Table picking() {
  Table table;
  table["take"] = [](const Inputs& x, const Config& a) { return Outputs{take(x[0], x[1], a.optional_int("axis"))}; };
  table["take_along_axis"] = [](const Inputs& x, const Config& a) {
    return Outputs{take_along_axis(x[0], x[1], a.optional_int("axis"))};
  };
  table["scatter"] = [](const Inputs& x, const Config& a) {
    return Outputs{scatter(x[0], x[1], a.at("shape").as_shape())};
  };
  table["scatter_update"] = [](const Inputs& x, const Config&) { return Outputs{scatter_update(x[0], x[1], x[2])}; };
  table["slice"] = [](const Inputs& x, const Config& a) {
    return Outputs{slice(x[0], a.at("start_indices").as_integers(), a.at("shape").as_shape())};
  };
  table["slice_update"] = [](const Inputs& x, const Config& a) {
    return Outputs{slice_update(x[0], a.at("start_indices").as_integers(), x[1])};
  };
  table["segment_sum"] = [](const Inputs& x, const Config& a) {
    return Outputs{segment_sum(x[0], x[1], a.at("num_segments").as_integer())};
  };
  table["segment_max"] = [](const Inputs& x, const Config& a) {
    return Outputs{segment_max(x[0], x[1], a.at("num_segments").as_integer())};
  };
  table["one_hot"] = [](const Inputs& x, const Config& a) {
    return Outputs{one_hot(x[0], a.at("num_classes").as_int(), a.get("axis", -1))};
  };
  table["searchsorted"] = [](const Inputs& x, const Config& a) {
    return Outputs{searchsorted(x[0], x[1], a.get("side", "left"))};
  };
  table["nonzero"] = [](const Inputs& x, const Config&) { return nonzero(x[0]); };
  return table;
}

std::vector<std::int64_t> sizes(const Config& a, const std::string& key, std::vector<std::int64_t> otherwise) {
  return a.contains(key) ? a.at(key).as_integers() : otherwise;
}

ConvArguments conv_arguments(const Config& a) {
  ConvArguments arguments;
  arguments.strides = sizes(a, "strides", {1});
  arguments.padding = a.get("padding", "valid");
  arguments.dilation_rate = sizes(a, "dilation_rate", {1});
  return arguments;
}

PoolArguments pool_arguments(const Config& a) {
  PoolArguments arguments;
  arguments.strides = sizes(a, "strides", {});
  arguments.padding = a.get("padding", "valid");
  return arguments;
}

Table networks() {
  Table table;
  table["conv"] = [](const Inputs& x, const Config& a) { return Outputs{conv(x[0], x[1], {}, conv_arguments(a))}; };
  table["conv_transpose"] = [](const Inputs& x, const Config& a) {
    return Outputs{conv_transpose(x[0], x[1], {}, conv_arguments(a))};
  };
  table["depthwise_conv"] = [](const Inputs& x, const Config& a) {
    return Outputs{depthwise_conv(x[0], x[1], {}, conv_arguments(a))};
  };
  table["separable_conv"] = [](const Inputs& x, const Config& a) {
    return Outputs{separable_conv(x[0], x[1], x[2], {}, conv_arguments(a))};
  };
  table["max_pool"] = [](const Inputs& x, const Config& a) {
    return Outputs{max_pool(x[0], a.at("pool_size").as_integers(), pool_arguments(a))};
  };
  table["average_pool"] = [](const Inputs& x, const Config& a) {
    return Outputs{average_pool(x[0], a.at("pool_size").as_integers(), pool_arguments(a))};
  };
  table["batch_normalization"] = [](const Inputs& x, const Config& a) {
    return Outputs{batch_normalization(x[0], x[1], x[2], a.at("axis").as_int(), x[3], x[4], a.get("epsilon", 1e-3))};
  };
  table["layer_normalization"] = [](const Inputs& x, const Config& a) {
    return Outputs{layer_normalization(x[0], x[1], x[2], axes_of(a), a.at("epsilon").as_double())};
  };
  table["rms_normalization"] = [](const Inputs& x, const Config& a) {
    return Outputs{rms_normalization(x[0], x[1], axes_of(a), a.at("epsilon").as_double())};
  };
  table["categorical_crossentropy"] = [](const Inputs& x, const Config& a) {
    return Outputs{categorical_crossentropy(x[0], x[1], a.get("from_logits", false))};
  };
  table["sparse_categorical_crossentropy"] = [](const Inputs& x, const Config& a) {
    return Outputs{sparse_categorical_crossentropy(x[0], x[1], a.get("from_logits", false))};
  };
  table["binary_crossentropy"] = [](const Inputs& x, const Config& a) {
    return Outputs{binary_crossentropy(x[0], x[1], a.get("from_logits", false))};
  };
  table["dot_product_attention"] = [](const Inputs& x, const Config& a) {
    return Outputs{
        dot_product_attention(x[0], x[1], x[2], {}, {}, a.optional_double("scale"), a.get("is_causal", false))};
  };
  table["softmax"] = [](const Inputs& x, const Config& a) { return Outputs{softmax(x[0], axes_of(a))}; };
  table["resize"] = [](const Inputs& x, const Config& a) {
    const std::vector<std::int64_t> size = a.at("size").as_integers();
    return Outputs{resize(x[0], {size.at(0), size.at(1)}, a.at("interpolation").as_string())};
  };
  return table;
}

const Run& run_of(const std::string& op) {
  static const Table all = [] {
    Table table;
    for (const Table& part : {elementwise(), reductions(), algebra(), shapes(), picking(), networks()})
      table.insert(part.begin(), part.end());
    return table;
  }();
  const auto found = all.find(op);
  if (found == all.end()) throw Error("golden: op " + op + " is not in this table");
  return found->second;
}

void check_op(const Json& one, Findings& findings) {
  const Inputs inputs = golden::tensors_of(one, "inputs");
  GradientTape tape;
  for (const Tensor& x : inputs) {
    if (is_floating(x.dtype())) tape.watch(x);
  }
  const Outputs outputs = run_of(one.at("op").get<std::string>())(inputs, golden::config_of(one.at("arguments")));
  findings.compare_all("outputs", outputs, one.at("outputs"));
  if (!one.contains("input_gradients")) return;
  const std::vector<Tensor> cotangents = golden::tensors_of(one, "cotangents");
  Tensor target = 0.0F;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (cotangents.at(i).defined()) target = target + sum(outputs[i] * cotangents[i]);
  }
  std::vector<Tensor> gradients = tape.gradient(target, inputs, {}, UnconnectedGradients::zero);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) gradients[i] = Tensor();
  }
  findings.compare_all("input_gradients", gradients, one.at("input_gradients"));
}

}  // namespace

TEST_CASE("golden: ops") { golden::run_family("ops", check_op); }
