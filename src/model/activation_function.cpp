#include <nyala/activations.hpp>

#include <algorithm>
#include <iterator>

#include <nyala/error.hpp>
#include <nyala/layer.hpp>
#include <nyala/ops.hpp>
#include <nyala/serialization.hpp>

#include "model/registry.hpp"
#include "model/suggest.hpp"

namespace nyala {

namespace {

const Axes& last_axis() {
  static const Axes axis = -1;
  return axis;
}

using Function = Tensor (*)(const Tensor&);
struct Named {
  const char* name;
  Function function;
};

// clang-format off
constexpr Named table[] = {
    {"celu", [](const Tensor& x) { return celu(x); }},
    {"elu", [](const Tensor& x) { return elu(x); }},
    {"exponential", [](const Tensor& x) { return exponential(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"glu", [](const Tensor& x) { return glu(x); }},
    {"hard_shrink", [](const Tensor& x) { return hard_shrink(x); }},
    {"hard_sigmoid", [](const Tensor& x) { return hard_sigmoid(x); }},
    {"hard_silu", [](const Tensor& x) { return hard_silu(x); }},
    {"hard_swish", [](const Tensor& x) { return hard_silu(x); }},
    {"hard_tanh", [](const Tensor& x) { return hard_tanh(x); }},
    {"keras2_hard_sigmoid", [](const Tensor& x) { return clip(0.2 * x + 0.5, 0.0, 1.0); }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"linear", [](const Tensor& x) { return x; }},
    {"log_sigmoid", [](const Tensor& x) { return log_sigmoid(x); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x, last_axis()); }},
    {"mish", [](const Tensor& x) { return mish(x); }},
    {"relu", [](const Tensor& x) { return relu(x); }},
    {"relu6", [](const Tensor& x) { return relu6(x); }},
    {"selu", [](const Tensor& x) { return selu(x); }},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
    {"silu", [](const Tensor& x) { return silu(x); }},
    {"soft_shrink", [](const Tensor& x) { return soft_shrink(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x, last_axis()); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softsign", [](const Tensor& x) { return softsign(x); }},
    {"sparse_plus", [](const Tensor& x) { return sparse_plus(x); }},
    {"sparse_sigmoid", [](const Tensor& x) { return sparse_sigmoid(x); }},
    {"sparsemax", [](const Tensor& x) { return sparsemax(x); }},
    {"squareplus", [](const Tensor& x) { return squareplus(x); }},
    {"swish", [](const Tensor& x) { return silu(x); }},
    {"tanh", [](const Tensor& x) { return tanh(x); }},
    {"tanh_shrink", [](const Tensor& x) { return tanh_shrink(x); }},
};
// clang-format on

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const Named& entry : table) names.emplace_back(entry.name);
  return names;
}

ActivationFunction::ActivationFunction(const ActivationRef& ref, const std::string& owner) {
  if (ref.is_none()) return;
  if (ref.is_name()) {
    const auto found =
        std::find_if(std::begin(table), std::end(table), [&](const Named& entry) { return entry.name == ref.name(); });
    if (found != std::end(table)) {
      name_ = ref.name() == "swish" ? "silu" : ref.name() == "hard_swish" ? "hard_silu" : ref.name();
      function_ = found->function;
      return;
    }
    if (const auto custom = detail::registered_activation(ref.name())) {
      name_ = ref.name();
      function_ = custom;
      return;
    }
    std::vector<std::string> names = activation_names();
    throw Error(owner + ": unknown activation \"" + ref.name() + "\"" + detail::did_you_mean(ref.name(), names));
  }
  name_.clear();
  if (ref.object() != nullptr) {
    layer_ = ref.object();
    function_ = [layer = layer_](const Tensor& x) { return (*layer)(x); };
  } else {
    function_ = ref.callable();
  }
}

Tensor ActivationFunction::operator()(const Tensor& x) const { return function_ ? function_(x) : x; }

std::optional<FusedActivation> ActivationFunction::fused() const {
  if (name_ == "linear") return FusedActivation::none;
  if (name_ == "relu") return FusedActivation::relu;
  if (name_ == "sigmoid") return FusedActivation::sigmoid;
  if (name_ == "tanh") return FusedActivation::tanh;
  if (name_ == "gelu") return FusedActivation::gelu;
  if (name_ == "silu") return FusedActivation::silu;
  return {};
}

Config ActivationFunction::config() const {
  if (layer_ != nullptr) return to_config(LayerRef(layer_));
  if (name_.empty()) {
    throw Error("config: an activation that is a plain function has no name; register_activation gives it one");
  }
  return name_;
}

ActivationRef activation_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string()) return config.as_string();
  const Config& inner = config.at("config");
  if (config.at("class_name").as_string() == "function") return inner.as_string();
  return layer_from_config(config).pointer();
}

}  // namespace nyala
