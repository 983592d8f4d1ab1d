#include <nyala/error.hpp>
#include <nyala/optimizer.hpp>
#include <nyala/register.hpp>

#include "model/class_registry.hpp"

namespace nyala {

namespace {

detail::Registry<Optimizer>& optimizer_registry() {
  static detail::Registry<Optimizer> instance("optimizer", "keras.optimizers", detail::builtin_optimizers(), true);
  return instance;
}

detail::Registry<LearningRateSchedule>& schedules() {
  static detail::Registry<LearningRateSchedule> instance("learning_rate_schedule", "keras.optimizers.schedules",
                                                         detail::builtin_learning_rate_schedules());
  return instance;
}

}  // namespace

void register_optimizer(const std::string& name, Factory<Optimizer> make) {
  optimizer_registry().add(name, std::move(make));
}

void register_learning_rate_schedule(const std::string& name, Factory<LearningRateSchedule> make) {
  schedules().add(name, std::move(make));
}

std::shared_ptr<Optimizer> resolve(const OptimizerRef& ref, const std::string& owner) {
  if (ref.is_name()) return optimizer_registry().make(ref.name(), Config::object(), owner);
  return ref.object();
}

Config to_config(const Optimizer& optimizer) {
  return optimizer_registry().to_config(optimizer, optimizer.class_name(), optimizer.config());
}

std::shared_ptr<Optimizer> optimizer_from_config(const Config& config) {
  if (config.is_null()) return nullptr;
  return optimizer_registry().from_config(config, "config");
}

Config LearningRate::config() const {
  return schedule_ ? schedules().to_config(*schedule_, schedule_->class_name(), schedule_->config())
                   : Config(constant_);
}

LearningRate LearningRate::from_config(const Config& config) {
  if (config.is_number()) return config.as_double();
  return schedules().from_config(config, "config");
}

OptimizerOptions common_options_from(const Config& config, OptimizerOptions defaults) {
  OptimizerOptions o = std::move(defaults);
  if (!config.get("learning_rate").is_null()) o.learning_rate = LearningRate::from_config(config.at("learning_rate"));
  if (config.contains("weight_decay")) o.weight_decay = config.optional_double("weight_decay");
  o.clipnorm = config.optional_double("clipnorm");
  o.clipvalue = config.optional_double("clipvalue");
  o.global_clipnorm = config.optional_double("global_clipnorm");
  o.use_ema = config.get("use_ema", o.use_ema);
  o.ema_momentum = config.get("ema_momentum", o.ema_momentum);
  o.ema_overwrite_frequency = config.optional_int("ema_overwrite_frequency");
  o.loss_scale_factor = config.optional_double("loss_scale_factor");
  o.gradient_accumulation_steps = config.optional_int("gradient_accumulation_steps");
  o.name = config.get("name", o.name.c_str());
  return o;
}

}  // namespace nyala
