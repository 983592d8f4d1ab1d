#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

namespace nyala {

/// A learning rate that follows the step (counted from 0). https://keras.io/api/optimizers/learning_rate_schedules/
class LearningRateSchedule {
 public:
  virtual ~LearningRateSchedule() = default;
  virtual double operator()(std::int64_t step) const = 0;
  virtual std::string class_name() const { return {}; }
  virtual Config config() const { return Config::object(); }
};

/// A number or a schedule.
class LearningRate {
 public:
  template <class N>
    requires std::is_arithmetic_v<N>
  LearningRate(N constant) : constant_(static_cast<double>(constant)) {}
  template <std::derived_from<LearningRateSchedule> S>
  LearningRate(S schedule) : schedule_(std::make_shared<S>(std::move(schedule))) {}
  LearningRate(std::shared_ptr<LearningRateSchedule> schedule) : schedule_(std::move(schedule)) {}

  double at(std::int64_t step) const { return schedule_ ? (*schedule_)(step) : constant_; }
  const std::shared_ptr<LearningRateSchedule>& schedule() const { return schedule_; }
  Config config() const;
  static LearningRate from_config(const Config& config);

 private:
  double constant_ = 0.0;
  std::shared_ptr<LearningRateSchedule> schedule_;
};

/// The options that every optimizer has. Each optimizer's options struct repeats them after its own.
struct OptimizerOptions {
  LearningRate learning_rate = 0.001;
  std::optional<double> weight_decay = {}, clipnorm = {}, clipvalue = {}, global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<int> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<int> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Changes variables by their gradients. Copies share slots and step count, so that one object can drive a loop and be
/// handed to compile. https://keras.io/api/optimizers/
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step, in Keras' order: null gradients dropped (all null: Error), loss scale, clipping, weight decay, update,
  /// constraints, iterations + 1, moving averages. Both lists are of one length; the variables are those of the first
  /// call (others: Error naming the variable).
  void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);
  /// Makes the slots for these variables now.
  void build(const std::vector<Variable>& variables);
  bool built() const;

  /// The rate of the next step.
  double learning_rate() const;
  /// Throws Error if the optimizer was made with a schedule.
  void set_learning_rate(double rate);
  /// Steps done; with gradient accumulation the small ones count.
  std::int64_t iterations() const;
  void set_iterations(std::int64_t iterations);
  /// Keras' order (../shared/keras/formats.md 4): iteration, learning_rate (unless a schedule), then slots.
  std::vector<Variable> variables() const;
  /// Overwrites the variables by their moving averages, if use_ema: what fit does at its end.
  void finalize_variable_values(const std::vector<Variable>& variables);
  void exclude_from_weight_decay(const std::vector<std::string>& name_patterns);

  const std::string& name() const;
  const OptimizerOptions& options() const;
  virtual std::string class_name() const { return {}; }
  virtual Config config() const;

  struct State;

 protected:
  explicit Optimizer(OptimizerOptions options, const std::string& default_name);
  /// Makes the slots of all variables, by add_slots, in Keras' order.
  virtual void make_slots(const std::vector<Variable>& variables) = 0;
  /// Changes one variable; `index` is its place in the list.
  virtual void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) = 0;
  /// Whether update() itself decays weights in its sweep.
  virtual bool decays_weights() const { return false; }
  Variable add_slot(const Variable& like, const std::string& slot_name, double initial = 0.0);
  /// Steps done, divided by gradient_accumulation_steps, + 1.
  std::int64_t update_number() const;

  std::shared_ptr<State> state_;
};

std::shared_ptr<Optimizer> resolve(const OptimizerRef& ref, const std::string& owner);
Config to_config(const Optimizer& optimizer);
std::shared_ptr<Optimizer> optimizer_from_config(const Config& config);

}  // namespace nyala
