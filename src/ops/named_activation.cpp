#include "ops/named_activation.hpp"

#include <algorithm>

#include <nyala/ops/activations.hpp>
#include <nyala/ops/math.hpp>

#include "ops/common.hpp"

namespace nyala::ops {

using backend::Unary;

namespace {

constexpr std::nullopt_t none = std::nullopt;

const NamedActivation activations[] = {
    {"tanh", Unary::tanh, false, [](const Tensor& x) { return tanh(x); }},
    {"sigmoid", Unary::sigmoid, false, [](const Tensor& x) { return sigmoid(x); }},
    {"linear", none, true, [](const Tensor& x) { return x; }},
    {"relu", Unary::relu, false, [](const Tensor& x) { return relu(x); }},
    {"relu6", Unary::relu6, false, [](const Tensor& x) { return relu6(x); }},
    {"leaky_relu", Unary::leaky_relu, false, [](const Tensor& x) { return leaky_relu(x); }},
    {"elu", Unary::elu, false, [](const Tensor& x) { return elu(x); }},
    {"selu", Unary::selu, false, [](const Tensor& x) { return selu(x); }},
    {"celu", none, false, [](const Tensor& x) { return celu(x); }},
    {"gelu", Unary::gelu, false, [](const Tensor& x) { return gelu(x); }},
    {"silu", Unary::silu, false, [](const Tensor& x) { return silu(x); }},
    {"swish", Unary::silu, false, [](const Tensor& x) { return silu(x); }},
    {"hard_sigmoid", Unary::hard_sigmoid, false, [](const Tensor& x) { return hard_sigmoid(x); }},
    {"keras2_hard_sigmoid", none, false, [](const Tensor& x) { return clip(0.2 * x + 0.5, 0.0, 1.0); }},
    {"hard_silu", Unary::hard_silu, false, [](const Tensor& x) { return hard_silu(x); }},
    {"hard_swish", Unary::hard_silu, false, [](const Tensor& x) { return hard_silu(x); }},
    {"softplus", Unary::softplus, false, [](const Tensor& x) { return softplus(x); }},
    {"softsign", Unary::softsign, false, [](const Tensor& x) { return softsign(x); }},
    {"log_sigmoid", Unary::log_sigmoid, false, [](const Tensor& x) { return log_sigmoid(x); }},
    {"exponential", Unary::exp, false, [](const Tensor& x) { return exp(x); }},
    {"mish", Unary::mish, false, [](const Tensor& x) { return mish(x); }},
    {"hard_tanh", none, false, [](const Tensor& x) { return hard_tanh(x); }},
    {"tanh_shrink", none, false, [](const Tensor& x) { return tanh_shrink(x); }},
    {"soft_shrink", none, false, [](const Tensor& x) { return soft_shrink(x); }},
    {"hard_shrink", none, false, [](const Tensor& x) { return hard_shrink(x); }},
    {"squareplus", none, false, [](const Tensor& x) { return squareplus(x); }},
    {"sparse_plus", none, false, [](const Tensor& x) { return sparse_plus(x); }},
    {"sparse_sigmoid", none, false, [](const Tensor& x) { return sparse_sigmoid(x); }},
};

}  // namespace

const NamedActivation& named_activation(const std::string& name, const char* op, const char* argument) {
  const auto* found = std::find_if(std::begin(activations), std::end(activations),
                                   [&](const NamedActivation& each) { return name == each.name; });
  if (found != std::end(activations)) return *found;
  fail(op, ": ", argument, " must name an elementwise activation (tanh, sigmoid, relu, linear, …), got \"", name, "\"");
}

}  // namespace nyala::ops
