#include <cmath>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/optimizers/loss_scale_optimizer.hpp>
#include <nyala/register.hpp>

namespace nyala {

namespace {

/// On the host, where every step reads it.
Tensor host_scalar(DType dtype, double value) {
  Tensor scalar = Tensor::empty({}, dtype, Device());
  if (dtype == DType::int32)
    *scalar.data<std::int32_t>() = static_cast<std::int32_t>(value);
  else
    *scalar.data<float>() = static_cast<float>(value);
  return scalar;
}

bool all_finite(const std::vector<Tensor>& gradients) {
  Tensor finite;
  for (const Tensor& gradient : gradients) {
    if (!gradient.defined()) continue;
    const Tensor one = all(isfinite(gradient));
    finite = finite.defined() ? logical_and(finite, one) : one;
  }
  return !finite.defined() || finite.item<bool>();
}

}  // namespace

LossScaleOptimizer::LossScaleOptimizer(const OptimizerRef& inner_optimizer, LossScaleOptimizerOptions options)
    : Optimizer({.learning_rate = 1.0, .name = options.name}, "loss_scale_optimizer"),
      inner_(resolve(inner_optimizer, "LossScaleOptimizer")),
      own_(std::move(options)) {
  if (inner_ == nullptr) throw Error("LossScaleOptimizer: needs an optimizer to wrap, got none");
  if (inner_->options().loss_scale_factor)
    throw Error("LossScaleOptimizer: scales the loss itself; the inner optimizer must have no loss_scale_factor");
  if (!(own_.initial_scale > 0.0) || std::isinf(own_.initial_scale))
    throw Error("LossScaleOptimizer: initial_scale must be positive, got " + Config(own_.initial_scale).json());
  if (own_.dynamic_growth_steps < 1) {
    throw Error("LossScaleOptimizer: dynamic_growth_steps must be at least 1, got " +
                std::to_string(own_.dynamic_growth_steps));
  }
  Optimizer::set_learning_rate(0.0);  // its own is never used; files hold it as 0
}

void LossScaleOptimizer::build(const std::vector<Variable>& variables) {
  inner_->build(variables);
  Optimizer::build(variables);
}

void LossScaleOptimizer::make_slots(const std::vector<Variable>&) {
  own_slots_.add(add_slot(host_scalar(DType::int32, 0.0), "step_counter"));
  own_slots_.add(add_slot(host_scalar(DType::float32, own_.initial_scale), "dynamic_scale"));
}

void LossScaleOptimizer::update(const Tensor&, const Variable&, std::size_t, double) {
  throw Error("LossScaleOptimizer: the inner optimizer updates the variables");
}

double LossScaleOptimizer::dynamic_scale() const {
  return built() ? own_slots_[1].value().item<double>() : own_.initial_scale;
}

Tensor LossScaleOptimizer::scale_loss(const Tensor& loss) const { return loss * dynamic_scale(); }

void LossScaleOptimizer::apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  if (gradients.empty() && variables.empty()) return;
  if (!built()) build(variables);
  StopRecording stop;
  Variable steps = own_slots_[0], scale = own_slots_[1];
  const double now = dynamic_scale();
  if (!all_finite(gradients)) {
    steps.assign(host_scalar(DType::int32, 0.0));
    scale.assign(host_scalar(DType::float32, now / 2.0));
    return;
  }
  std::vector<Tensor> unscaled;
  for (const Tensor& gradient : gradients) unscaled.push_back(gradient.defined() ? gradient / now : gradient);
  inner_->apply(unscaled, variables);
  const int good = steps.value().item<int>() + 1;
  const bool grows = good == own_.dynamic_growth_steps;
  steps.assign(host_scalar(DType::int32, grows ? 0 : good));
  if (grows) scale.assign(host_scalar(DType::float32, now * 2.0));
}

std::vector<Variable> LossScaleOptimizer::variables() const {
  std::vector<Variable> all = Optimizer::variables();
  const std::vector<Variable> inner = inner_->variables();
  all.insert(all.end(), inner.begin(), inner.end());
  return all;
}

void LossScaleOptimizer::finalize_variable_values(const std::vector<Variable>& variables) {
  inner_->finalize_variable_values(variables);
}

Config LossScaleOptimizer::config() const {
  return Config::object({{"name", name()},
                         {"inner_optimizer", to_config(*inner_)},
                         {"initial_scale", own_.initial_scale},
                         {"dynamic_growth_steps", own_.dynamic_growth_steps}});
}

LossScaleOptimizer LossScaleOptimizer::from_config(const Config& config) {
  const LossScaleOptimizerOptions defaults;
  return LossScaleOptimizer(optimizer_from_config(config.at("inner_optimizer")),
                            {.initial_scale = config.get("initial_scale", defaults.initial_scale),
                             .dynamic_growth_steps = config.get("dynamic_growth_steps", defaults.dynamic_growth_steps),
                             .name = config.get("name", "")});
}

std::shared_ptr<Optimizer> detail::loss_scaled(std::shared_ptr<Optimizer> inner) {
  return std::make_shared<LossScaleOptimizer>(std::move(inner));
}

}  // namespace nyala
