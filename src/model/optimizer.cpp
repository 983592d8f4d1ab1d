#include <nyala/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include <nyala/autograd.hpp>
#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>

#include "autograd/variable_impl.hpp"
#include "core/printable.hpp"
#include "core/subnormals.hpp"
#include "model/gradient_clipping.hpp"
#include "model/optimizer_state.hpp"

namespace nyala {

namespace {

void require(bool holds, const std::string& owner, const std::string& rule, const Config& received) {
  if (!holds) throw Error(owner + ": " + rule + ", got " + received.json());
}

void check(const OptimizerOptions& o, const std::string& owner) {
  const auto positive = [](double x) { return x > 0.0 && std::isfinite(x); };
  if (o.learning_rate.schedule() == nullptr) {
    const double rate = o.learning_rate.at(0);
    require(positive(rate), owner, "learning_rate must be positive", rate);
  }
  if (o.weight_decay) require(*o.weight_decay >= 0.0, owner, "weight_decay must not be negative", *o.weight_decay);
  int clips = 0;
  for (const auto& [limit, rule] :
       {std::pair(o.clipnorm, "clipnorm must be positive"), std::pair(o.clipvalue, "clipvalue must be positive"),
        std::pair(o.global_clipnorm, "global_clipnorm must be positive")}) {
    if (!limit) continue;
    require(positive(*limit), owner, rule, *limit);
    ++clips;
  }
  if (clips > 1) throw Error(owner + ": only one of clipnorm, clipvalue and global_clipnorm can be given");
  if (o.use_ema) {
    require(o.ema_momentum >= 0.0 && o.ema_momentum <= 1.0, owner, "ema_momentum must be from 0 to 1", o.ema_momentum);
    if (o.ema_overwrite_frequency) {
      const int every = *o.ema_overwrite_frequency;
      require(every >= 1, owner, "ema_overwrite_frequency must be at least 1", every);
    }
  }
  if (o.loss_scale_factor)
    require(positive(*o.loss_scale_factor), owner, "loss_scale_factor must be positive", *o.loss_scale_factor);
  if (o.gradient_accumulation_steps) {
    const int steps = *o.gradient_accumulation_steps;
    require(steps >= 2, owner, "gradient_accumulation_steps must be at least 2", steps);
  }
}

/// Counters live on the host, whatever the default device: every step reads them.
Variable host_scalar(DType dtype, double value, const std::string& owner, const std::string& name) {
  Tensor scalar = Tensor::empty({}, dtype, Device());
  if (dtype == DType::int32)
    *scalar.data<std::int32_t>() = static_cast<std::int32_t>(value);
  else
    *scalar.data<float>() = static_cast<float>(value);
  Variable variable(scalar, {.trainable = false, .name = name});
  variable.impl()->path = owner + "/" + name;
  return variable;
}

std::string described(const Variable& variable) { return "\"" + variable.path() + "\" " + variable.shape().str(); }

const Variable no_slot;

}  // namespace

Slots::Slots() : slots_(std::make_shared<std::vector<Variable>>()) {}
void Slots::add(Variable slot) { slots_->push_back(std::move(slot)); }
bool Slots::empty() const { return slots_->empty(); }
const Variable& Slots::operator[](std::size_t index) const { return slots_->empty() ? no_slot : (*slots_)[index]; }

Optimizer::Optimizer(OptimizerOptions options, const std::string& default_name) : state_(std::make_shared<State>()) {
  state_->name = options.name.empty() ? default_name : options.name;
  check(options, state_->name);
  state_->iteration = host_scalar(DType::int32, 0.0, state_->name, "iteration");
  if (options.learning_rate.schedule() == nullptr) {
    const double rate = options.learning_rate.at(0);
    state_->learning_rate = host_scalar(DType::float32, rate, state_->name, "learning_rate");
  }
  state_->options = std::move(options);
}

bool Optimizer::built() const { return state_->built; }
const std::string& Optimizer::name() const { return state_->name; }
const OptimizerOptions& Optimizer::options() const { return state_->options; }

void Optimizer::build(const std::vector<Variable>& variables) {
  State& state = *state_;
  if (state.built) {
    for (const Variable& variable : variables) {
      if (state.places.count(variable.impl().get()) == 0) {
        throw Error(state.name + ": the variable " + described(variable) +
                    " is none of those that this optimizer was built with; a new set of variables needs a new one");
      }
    }
    return;
  }
  StopRecording stop;
  for (const Variable& variable : variables) {
    if (!variable.defined()) throw Error(state.name + ": one of the variables was never made");
    if (!is_floating(variable.dtype()))
      throw Error(state.name + ": cannot train " + described(variable) + " of dtype " + name_of(variable.dtype()));
    if (!state.places.emplace(variable.impl().get(), state.places.size()).second)
      throw Error(state.name + ": the variable " + described(variable) + " was given twice");
  }
  state.trained = variables;
  if (state.options.use_ema) {
    for (const Variable& variable : variables) state.averages.push_back(add_slot(variable, "average"));
  }
  if (state.options.gradient_accumulation_steps) {
    for (const Variable& variable : variables) state.accumulators.push_back(add_slot(variable, "gradient_accumulator"));
  }
  for (const Variable& variable : variables) {
    const auto names = [&](const PathPattern& pattern) { return pattern.found_in(variable.name()); };
    state.decays.push_back(std::none_of(state.excluded.begin(), state.excluded.end(), names));
  }
  make_slots(variables);
  state.built = true;
}

Variable Optimizer::add_slot(const Variable& like, const std::string& slot_name, double initial) {
  std::string path = like.path();
  for (char& c : path) c = c == '/' ? '_' : c;
  return add_slot(full_like(like.value(), initial), path + "_" + slot_name);
}

Variable Optimizer::add_slot(const Tensor& initial, const std::string& path) {
  Variable slot(initial, {.trainable = false, .name = path});
  slot.impl()->path = state_->name + "/" + path;
  state_->slots.push_back(slot);
  return slot;
}

void Optimizer::apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  State& state = *state_;
  if (gradients.size() != variables.size()) {
    throw Error(state.name + ": apply takes one gradient per variable, got " + std::to_string(gradients.size()) +
                " gradients and " + std::to_string(variables.size()) + " variables");
  }
  if (gradients.empty()) return;
  if (!state.built) build(variables);
  StopRecording stop;
  const detail::FlushSubnormals flush;

  std::vector<Tensor> kept;
  std::vector<std::size_t> places;
  std::string missing;
  kept.reserve(gradients.size());
  places.reserve(gradients.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& variable = variables[i];
    std::size_t place = i;
    if (i >= state.trained.size() || !state.trained[i].is(variable)) {
      if (!variable.defined()) throw Error(state.name + ": one of the variables was never made");
      const auto found = state.places.find(variable.impl().get());
      if (found == state.places.end()) build({variable});
      place = found->second;
    }
    if (!gradients[i].defined()) {
      missing += (missing.empty() ? "" : ", ") + variable.path();
      continue;
    }
    if (gradients[i].shape() != variable.shape()) {
      throw Error(state.name + ": the gradient of " + described(variable) + " has the shape " +
                  gradients[i].shape().str());
    }
    kept.push_back(gradients[i].dtype() == variable.dtype() ? gradients[i] : cast(gradients[i], variable.dtype()));
    places.push_back(place);
  }
  if (kept.empty()) throw Error(state.name + ": there is no gradient for any variable; none depends on the loss");
  if (!missing.empty() && !state.warned) {
    state.warned = true;
    std::cerr << "nyala: " << detail::printable(state.name + ": no gradient for " + missing)
              << "; the loss does not depend on it\n";
  }

  if (state.options.loss_scale_factor) {
    for (Tensor& gradient : kept) gradient = gradient / *state.options.loss_scale_factor;
  }
  if (state.options.gradient_accumulation_steps) kept = accumulated(kept, places);
  if (!kept.empty()) {
    detail::clip_gradients(kept, state.options);
    const double rate = learning_rate();
    begin_step();
    for (std::size_t i = 0; !decays_weights() && i < kept.size(); ++i) {
      const Variable& variable = state.trained[places[i]];
      const double decay = weight_decay(variable, places[i]);
      if (decay != 0.0) Variable(variable).assign(variable.value() * (1.0 - decay * rate));
    }
    update_all(kept, places, rate);
  }
  if (state.options.use_ema) update_averages();
  for (const std::size_t place : places) {
    const Variable& variable = state.trained[place];
    if (variable.constraint() != nullptr) Variable(variable).assign((*variable.constraint())(variable.value()));
  }
  set_iterations(iterations() + 1);
}

void Optimizer::update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                           double learning_rate) {
  for (std::size_t i = 0; i < gradients.size(); ++i)
    update(gradients[i], trained(indices[i]), indices[i], learning_rate);
}

const Variable& Optimizer::trained(std::size_t index) const { return state_->trained[index]; }

std::vector<Tensor> Optimizer::accumulated(const std::vector<Tensor>& gradients,
                                           const std::vector<std::size_t>& places) {
  State& state = *state_;
  const int steps = *state.options.gradient_accumulation_steps;
  const bool complete = (iterations() + 1) % steps == 0;
  std::vector<Tensor> means;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Variable& sum = state.accumulators[places[i]];
    if (complete)
      means.push_back((gradients[i] + sum.value()) / steps);
    else
      sum.assign(gradients[i] + sum.value());
  }
  if (complete) {
    for (Variable& sum : state.accumulators) sum.assign(zeros_like(sum.value()));
  }
  return means;
}

void Optimizer::update_averages() {
  State& state = *state_;
  const int small_steps = state.options.gradient_accumulation_steps.value_or(1);
  const std::int64_t done = iterations() / small_steps;
  const double momentum = done == 0 ? 0.0 : state.options.ema_momentum;
  for (std::size_t i = 0; i < state.trained.size(); ++i) {
    const Tensor& value = state.trained[i].value();
    Variable& average = state.averages[i];
    average.assign(average.value() * momentum + value * (1.0 - momentum));
  }
  const auto every = state.options.ema_overwrite_frequency;
  if (every && (done + 1) % *every == 0) finalize_variable_values(state.trained);
}

void Optimizer::finalize_variable_values(const std::vector<Variable>& variables) {
  if (!state_->options.use_ema || !state_->built) return;
  for (Variable variable : variables) {
    const auto place = state_->places.find(variable.impl().get());
    if (place != state_->places.end()) variable.assign(state_->averages[place->second].value().clone());
  }
}

Tensor Optimizer::scale_loss(const Tensor& loss) const {
  return state_->options.loss_scale_factor ? loss * *state_->options.loss_scale_factor : loss;
}

double Optimizer::learning_rate() const {
  const LearningRate& rate = state_->options.learning_rate;
  return rate.schedule() ? rate.at(iterations()) : state_->learning_rate.value().item<double>();
}

void Optimizer::set_learning_rate(double rate) {
  if (state_->options.learning_rate.schedule() != nullptr)
    throw Error(state_->name + ": the learning rate follows a schedule and cannot be set");
  if (!(rate >= 0.0) || std::isinf(rate))
    throw Error(state_->name + ": learning_rate must not be negative, got " + Config(rate).json());
  *detail::writable(state_->learning_rate).data<float>() = static_cast<float>(rate);
}

std::int64_t Optimizer::iterations() const { return state_->iteration.value().item<std::int64_t>(); }

void Optimizer::set_iterations(std::int64_t iterations) {
  if (iterations < 0 || iterations > std::numeric_limits<std::int32_t>::max())
    throw Error(state_->name + ": the number of steps must be from 0 to 2^31 - 1, got " + std::to_string(iterations));
  *detail::writable(state_->iteration).data<std::int32_t>() = static_cast<std::int32_t>(iterations);
}

std::int64_t Optimizer::update_number() const {
  return iterations() / state_->options.gradient_accumulation_steps.value_or(1) + 1;
}

std::vector<Variable> Optimizer::variables() const {
  std::vector<Variable> all{state_->iteration};
  if (state_->learning_rate.defined()) all.push_back(state_->learning_rate);
  all.insert(all.end(), state_->slots.begin(), state_->slots.end());
  return all;
}

void Optimizer::exclude_from_weight_decay(const std::vector<std::string>& name_patterns) {
  if (state_->built) throw Error(state_->name + ": exclude_from_weight_decay must be called before the first step");
  std::vector<PathPattern> patterns;
  for (const std::string& pattern : name_patterns)
    patterns.emplace_back(pattern, state_->name + ": exclude_from_weight_decay");
  state_->excluded = std::move(patterns);
}

double Optimizer::weight_decay(const Variable&, std::size_t index) const {
  return decays(index) ? state_->options.weight_decay.value_or(0.0) : 0.0;
}

bool Optimizer::decays(std::size_t index) const { return state_->decays[index]; }

Config Optimizer::config() const {
  const OptimizerOptions& o = state_->options;
  const Config rate = o.learning_rate.schedule() ? o.learning_rate.config() : Config(learning_rate());
  return Config::object({{"name", state_->name},
                         {"learning_rate", rate},
                         {"weight_decay", o.weight_decay},
                         {"clipnorm", o.clipnorm},
                         {"global_clipnorm", o.global_clipnorm},
                         {"clipvalue", o.clipvalue},
                         {"use_ema", o.use_ema},
                         {"ema_momentum", o.ema_momentum},
                         {"ema_overwrite_frequency", o.ema_overwrite_frequency},
                         {"loss_scale_factor", o.loss_scale_factor},
                         {"gradient_accumulation_steps", o.gradient_accumulation_steps}});
}

}  // namespace nyala
