#include <nyala/optimizers/adafactor.hpp>

#include <algorithm>
#include <cmath>
#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/reduction.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/ops/update.hpp>

#include "checks.hpp"

namespace nyala {

namespace {
Tensor root_mean_square(const Tensor& x) { return norm(x) * (1.0 / std::sqrt(static_cast<double>(x.size()))); }
}  // namespace

Adafactor::Adafactor(AdafactorOptions options)
    : Optimizer(common_options(options), "adafactor"), own_(std::move(options)) {
  require_not_negative(own_.epsilon_1, "Adafactor", "epsilon_1");
  require_not_negative(own_.epsilon_2, "Adafactor", "epsilon_2");
  if (!(own_.clip_threshold > 0.0))
    throw Error("Adafactor: clip_threshold must be positive, got " + Config(own_.clip_threshold).json());
}

void Adafactor::make_slots(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    Shape rows = variable.shape(), columns = rows;
    if (rows.size() < 2) {
      row_.add(add_slot(zeros({}, DType::int32), variable.name()));
      column_.add(add_slot(zeros({}, DType::int32), variable.name()));
    } else {
      rows.pop_back();
      columns.erase(columns.size() - 2);
      row_.add(add_slot(zeros(rows, variable.dtype()), variable.name()));
      column_.add(add_slot(zeros(columns, variable.dtype()), variable.name()));
    }
    velocity_.add(add_slot(variable, "velocity"));
  }
}

void Adafactor::update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) {
  const auto step = static_cast<double>(update_number());
  const bool scheduled = options().learning_rate.schedule() != nullptr;
  const double rate = own_.relative_step && !scheduled ? std::min(learning_rate, 1.0 / std::sqrt(step)) : learning_rate;
  const double rho = std::min(rate, 1.0 / std::sqrt(step)), beta_2 = 1.0 - std::pow(step, own_.beta_2_decay);
  const Tensor alpha = maximum(root_mean_square(variable.value()), own_.epsilon_2) * rho;
  const Tensor squares = square(gradient);
  Variable row = row_[index], column = column_[index], velocity = velocity_[index];
  if (variable.shape().size() >= 2) {
    row.assign(row.value() * beta_2 + (mean(squares, -1) + own_.epsilon_1) * (1.0 - beta_2));
    column.assign(column.value() * beta_2 + (mean(squares, -2) + own_.epsilon_1) * (1.0 - beta_2));
    const Tensor share = row.value() / mean(row.value(), -1, true);
    velocity.assign(expand_dims(share, -1) * expand_dims(column.value(), -2));
  } else {
    velocity.assign(velocity.value() * beta_2 + (squares + own_.epsilon_1) * (1.0 - beta_2));
  }
  const Tensor direction = gradient / sqrt(velocity.value());
  const Tensor excess = maximum(root_mean_square(direction) / own_.clip_threshold, 1.0);
  sgd_update(direction * (alpha / excess), variable, {}, {.learning_rate = 1.0});
}

Config Adafactor::config() const {
  Config config = Optimizer::config();
  config["beta_2_decay"] = own_.beta_2_decay;
  config["epsilon_1"] = own_.epsilon_1;
  config["epsilon_2"] = own_.epsilon_2;
  config["clip_threshold"] = own_.clip_threshold;
  config["relative_step"] = own_.relative_step;
  return config;
}

Adafactor Adafactor::from_config(const Config& config) {
  AdafactorOptions o = with_common(AdafactorOptions(), config);
  o.beta_2_decay = config.get("beta_2_decay", o.beta_2_decay);
  o.epsilon_1 = config.get("epsilon_1", o.epsilon_1);
  o.epsilon_2 = config.get("epsilon_2", o.epsilon_2);
  o.clip_threshold = config.get("clip_threshold", o.clip_threshold);
  o.relative_step = config.get("relative_step", o.relative_step);
  return Adafactor(std::move(o));
}

}  // namespace nyala
