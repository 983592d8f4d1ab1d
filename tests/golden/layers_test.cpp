#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/ops.hpp>
#include <nyala/serialization.hpp>

#include "model/layer_state.hpp"
#include "support/golden.hpp"

using namespace nyala;
using golden::Findings;
using golden::Json;

namespace {

const std::set<std::string> not_compared = {"name", "build_config", "module", "registered_name"};

struct Call {
  std::vector<Tensor> inputs;
  CallContext context;
  std::vector<std::string> tensor_names;  // of the float tensors among the arguments
};

Call call_of(const Json& one) {
  Call call{golden::tensors_of(one, "inputs"), {}, {}};
  call.context.training = one.at("training").get<bool>();
  const std::vector<Tensor> masks = golden::tensors_of(one, "masks");
  for (std::size_t i = 0; i < masks.size(); ++i) {
    if (masks[i].defined()) call.inputs[i] = call.inputs[i].with_mask(masks[i]);
  }
  call.context.arguments = Config::object();
  for (const auto& [key, value] : one.at("call_arguments").items()) {
    if (key == "mask") {
      call.context.masks.assign(call.inputs.size(), Tensor());
      call.context.masks[0] = golden::tensor_of(value);
    } else if (key == "initial_state") {
      for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string name = "initial_state_" + std::to_string(i);
        call.context.tensors[name] = golden::tensor_of(value[i]);
        call.tensor_names.push_back(name);
      }
    } else if (golden::is_array(value)) {
      call.context.tensors[key] = golden::tensor_of(value);
    } else {
      call.context.arguments[key] = golden::config_of(value);
    }
  }
  return call;
}

LayerRef layer_of(const Json& one) {
  Config object = Config::object();
  object["class_name"] = one.at("class_name").get<std::string>();
  object["config"] = golden::config_of(one.at("config"));
  return layer_from_config(object);
}

std::vector<Shape> batchless(std::vector<Tensor> inputs, bool known_batch) {
  std::vector<Shape> shapes;
  for (const Tensor& x : inputs) {
    shapes.push_back(x.shape());
    if (!known_batch) shapes.back()[0] = None;
  }
  return shapes;
}

void check_weights(const Json& one, const LayerRef& layer, Findings& findings) {
  const Json& expected = one.at("weights");
  const std::vector<Variable> weights = layer->weights();
  if (weights.size() != expected.size()) {
    findings.note("weights", std::to_string(weights.size()) + " instead of " + std::to_string(expected.size()));
    return;
  }
  std::vector<Tensor> values;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::string path = expected[i].at("path").get<std::string>();
    const std::string name = path.substr(path.rfind('/') + 1);
    if (weights[i].name() != name) findings.note("weight " + path, "is called " + weights[i].name());
    const bool trainable = weights[i].trainable() && layer->trainable();
    if (trainable != expected[i].at("trainable").get<bool>()) findings.note("weight " + path, "trainable differs");
    values.push_back(golden::tensor_of(expected[i].at("value")));
  }
  layer->set_weights(values);
}

void check_shapes(const Json& one, const LayerRef& layer, const std::vector<Shape>& inputs, Findings& findings) {
  if (!one.contains("output_shapes") || one.at("call_arguments").contains("return_attention_scores")) return;
  const std::vector<Shape> shapes = layer->compute_output_shapes(inputs);
  std::vector<Config> got(shapes.begin(), shapes.end());
  findings.note("output_shapes",
                golden::difference(Config::array(got), golden::config_of(one.at("output_shapes")), {}));
}

void check_gradients(const Json& one, const LayerRef& layer, const Call& call, const std::vector<Tensor>& outputs,
                     GradientTape& tape, Findings& findings) {
  const std::vector<Tensor> cotangents = golden::tensors_of(one, "cotangents");
  Tensor target = 0.0F;
  for (std::size_t i = 0; i < std::min(outputs.size(), cotangents.size()); ++i)
    target = target + sum(outputs[i] * cotangents[i]);
  std::vector<Tensor> inputs = tape.gradient(target, call.inputs, {}, UnconnectedGradients::zero);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(call.inputs[i].dtype())) inputs[i] = Tensor();
  }
  findings.compare_all("input_gradients", inputs, one.at("input_gradients"));
  const std::vector<Variable> weights = layer->weights();
  std::vector<Tensor> gradients = tape.gradient(target, weights, {}, UnconnectedGradients::zero);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!weights[i].trainable() || !layer->trainable()) gradients[i] = Tensor();
  }
  findings.compare_all("weight_gradients", gradients, one.at("weight_gradients"));
  if (call.tensor_names.empty()) return;
  std::vector<Tensor> states;
  for (const std::string& name : call.tensor_names) states.push_back(call.context.tensors.at(name));
  findings.compare_all("initial_state gradients", tape.gradient(target, states, {}, UnconnectedGradients::zero),
                       one.at("call_argument_gradients").at("initial_state"));
}

void check_losses(const Json& one, const LayerRef& layer, const std::vector<Tensor>& added, Findings& findings) {
  std::vector<Tensor> losses = added;
  for (const Tensor& loss : layer->regularization_losses()) losses.push_back(loss);
  const Json& expected = one.at("losses");
  if (losses.size() != expected.size()) {
    findings.note("losses", std::to_string(losses.size()) + " instead of " + std::to_string(expected.size()));
    return;
  }
  for (std::size_t i = 0; i < losses.size(); ++i) findings.compare("losses", losses[i], expected[i]);
}

void check_layer(const Json& one, Findings& findings) {
  const LayerRef layer = layer_of(one);
  findings.note("config", golden::difference(layer->config(), golden::config_of(one.at("config")), not_compared));
  Call call = call_of(one);
  const bool stateful = one.at("config").value("stateful", false) ||
                        (one.contains("following_calls") && one.at("following_calls").is_array());
  const std::vector<Shape> shapes = batchless(call.inputs, stateful);
  if (one.contains("adapt")) {
    auto* normalization = dynamic_cast<Normalization*>(layer.pointer().get());
    REQUIRE(normalization != nullptr);
    normalization->adapt(golden::tensor_of(one.at("adapt")));
    const std::vector<Tensor> learnt = layer->get_weights();
    for (std::size_t i = 0; i < 2; ++i) findings.compare("adapted", learnt.at(i), one.at("weights")[i].at("value"));
  }
  layer->build_now(shapes);
  if (one.contains("built_config"))
    findings.note("built_config",
                  golden::difference(layer->config(), golden::config_of(one.at("built_config")), not_compared));
  check_weights(one, layer, findings);
  check_shapes(one, layer, shapes, findings);

  GradientTape tape({.persistent = true});
  for (const Tensor& x : call.inputs) {
    if (is_floating(x.dtype())) tape.watch(x);
  }
  for (const std::string& name : call.tensor_names) tape.watch(call.context.tensors.at(name));
  detail::StepScope step;
  const std::vector<Tensor> outputs = layer->outputs(call.inputs, call.context).vector();
  findings.compare_all("outputs", outputs, one.at("outputs"));
  std::vector<Tensor> masks;
  for (const Tensor& output : outputs) masks.push_back(output.mask());
  findings.compare_all("output_masks", masks, one.at("output_masks"));
  check_losses(one, layer, step.losses, findings);
  if (one.contains("cotangents")) check_gradients(one, layer, call, outputs, tape, findings);
  if (one.contains("weights_after"))
    findings.compare_all("weights_after", layer->get_weights(), one.at("weights_after"));
  if (!one.contains("following_calls")) return;
  for (const Json& next : one.at("following_calls")) {
    const Tensors again = layer->outputs(golden::tensors_of(next, "inputs"), call.context);
    findings.compare_all("following outputs", again.vector(), next.at("outputs"));
  }
}

void run(const std::string& family) {
  golden::run_family(family, check_layer, [](const Json&) { return false; });
}

}  // namespace

TEST_CASE("golden: layers_core") { run("layers_core"); }
TEST_CASE("golden: layers_conv") { run("layers_conv"); }
TEST_CASE("golden: layers_pool") { run("layers_pool"); }
TEST_CASE("golden: layers_norm") { run("layers_norm"); }
TEST_CASE("golden: layers_rnn") { run("layers_rnn"); }
TEST_CASE("golden: layers_attention") { run("layers_attention"); }
TEST_CASE("golden: layers_merging") { run("layers_merging"); }
TEST_CASE("golden: layers_reshaping") { run("layers_reshaping"); }
TEST_CASE("golden: layers_image") { run("layers_image"); }
TEST_CASE("golden: layers_audio") { run("layers_audio"); }
