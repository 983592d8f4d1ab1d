#include <algorithm>
#include <cctype>
#include <cmath>

#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/update.hpp>
#include <nyala/optimizers/muon.hpp>

#include "checks.hpp"

namespace nyala {

Muon::Muon(MuonOptions options) : Optimizer(common_options(options), "muon"), own_(std::move(options)) {
  require_decay_rate(own_.adam_beta_1, "Muon", "adam_beta_1");
  require_decay_rate(own_.adam_beta_2, "Muon", "adam_beta_2");
  require_decay_rate(own_.momentum, "Muon", "momentum");
  require_not_negative(own_.epsilon, "Muon", "epsilon");
  require_not_negative(own_.adam_weight_decay.value_or(0.0), "Muon", "adam_weight_decay");
  require_not_negative(own_.ns_steps, "Muon", "ns_steps");
  for (const std::string& pattern : own_.exclude_layers) excluded_.emplace_back(pattern, "Muon: exclude_layers");
}

bool Muon::left_to_adam(const Variable& variable) const {
  if (variable.shape().size() != 2) return true;
  std::string lower = variable.path();
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (own_.exclude_embeddings && lower.find("embedding") != std::string::npos) return true;
  return std::any_of(excluded_.begin(), excluded_.end(),
                     [&](const PathPattern& pattern) { return pattern.found_in(variable.path()); });
}

void Muon::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    momentum_.add(add_slot(variable, "momentum"));
    velocity_.add(left_to_adam(variable) ? add_slot(variable, "velocity") : Variable());
  }
}

double Muon::weight_decay(const Variable& variable, std::size_t index) const {
  if (!velocity_[index].defined()) return Optimizer::weight_decay(variable, index);
  return decays(index) ? own_.adam_weight_decay.value_or(0.0) : 0.0;
}

/// All singular values brought near 1 by Newton-Schulz steps of the fifth order.
Tensor Muon::orthogonalized(const Tensor& x) const {
  const bool tall = x.shape()[0] > x.shape()[1];
  constexpr double guard = 1e-7;
  Tensor y = x / (norm(x) + guard);
  for (int step = 0; step < own_.ns_steps; ++step) {
    const Tensor gram = matmul(y, y, tall, !tall);
    const Tensor inner = gram * own_.muon_b + matmul(gram, gram) * own_.muon_c;
    y = y * own_.muon_a + (tall ? matmul(y, inner) : matmul(inner, y));
  }
  return y;
}

void Muon::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  Variable momentum = momentum_[index];
  if (velocity_[index].defined()) {
    adam_update(gradient, variable, momentum, velocity_[index], {},
                {.learning_rate = learning_rate * own_.adam_lr_ratio,
                 .beta_1 = own_.adam_beta_1,
                 .beta_2 = own_.adam_beta_2,
                 .epsilon = own_.epsilon,
                 .step = update_number()});
    return;
  }
  momentum.assign(gradient + momentum.value() * own_.momentum);
  const Tensor direction = own_.nesterov ? gradient + momentum.value() * own_.momentum : momentum.value();
  const auto longer = static_cast<double>(std::max(variable.shape()[0], variable.shape()[1]));
  const double scale = own_.rms_rate ? std::sqrt(longer) * *own_.rms_rate : 1.0;
  Variable(variable).assign_sub(orthogonalized(direction) * (learning_rate * scale));
}

Config Muon::config() const {
  Config config = Optimizer::config();
  config["adam_beta_1"] = own_.adam_beta_1;
  config["adam_beta_2"] = own_.adam_beta_2;
  config["epsilon"] = own_.epsilon;
  config["exclude_layers"] = own_.exclude_layers;
  config["muon_a"] = own_.muon_a;
  config["muon_b"] = own_.muon_b;
  config["muon_c"] = own_.muon_c;
  config["adam_lr_ratio"] = own_.adam_lr_ratio;
  config["momentum"] = own_.momentum;
  config["ns_steps"] = own_.ns_steps;
  config["nesterov"] = own_.nesterov;
  config["exclude_embeddings"] = own_.exclude_embeddings;
  config["adam_weight_decay"] = own_.adam_weight_decay;
  config["rms_rate"] = own_.rms_rate;
  return config;
}

Muon Muon::from_config(const Config& config) {
  MuonOptions o = with_common(MuonOptions(), config);
  o.adam_beta_1 = config.get("adam_beta_1", o.adam_beta_1);
  o.adam_beta_2 = config.get("adam_beta_2", o.adam_beta_2);
  o.epsilon = config.get("epsilon", o.epsilon);
  if (!config.get("exclude_layers").is_null()) {
    for (const Config& pattern : config.at("exclude_layers").items()) o.exclude_layers.push_back(pattern.as_string());
  }
  o.muon_a = config.get("muon_a", o.muon_a);
  o.muon_b = config.get("muon_b", o.muon_b);
  o.muon_c = config.get("muon_c", o.muon_c);
  o.adam_lr_ratio = config.get("adam_lr_ratio", o.adam_lr_ratio);
  o.momentum = config.get("momentum", o.momentum);
  o.ns_steps = config.get("ns_steps", o.ns_steps);
  o.nesterov = config.get("nesterov", o.nesterov);
  o.exclude_embeddings = config.get("exclude_embeddings", o.exclude_embeddings);
  if (config.contains("adam_weight_decay")) o.adam_weight_decay = config.optional_double("adam_weight_decay");
  if (config.contains("rms_rate")) o.rms_rate = config.optional_double("rms_rate");
  return Muon(std::move(o));
}

}  // namespace nyala
