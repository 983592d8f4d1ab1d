#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
  /// From a number, or a schedule as Keras writes it.
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

/// The slots of one kind, one per variable. Copies are the same slots, as copies of an optimizer must be.
class Slots {
 public:
  Slots();
  void add(Variable slot);
  bool empty() const;
  /// The slot of the variable at that place in the list; a null variable if there are no slots of this kind.
  const Variable& operator[](std::size_t index) const;

 private:
  std::shared_ptr<std::vector<Variable>> slots_;
};

/// Changes variables by their gradients. Copies share slots and step count, so that one object can drive a loop and be
/// handed to compile. https://keras.io/api/optimizers/
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// One step, in Keras' order: null gradients dropped (all null: Error), loss scale, clipping, weight decay, update,
  /// constraints, iterations + 1, moving averages. Both lists are of one length; the variables are among those of the
  /// first call (others: Error naming the variable).
  virtual void apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);
  /// Makes the slots for these variables now; once.
  virtual void build(const std::vector<Variable>& variables);
  bool built() const;

  /// The rate of the next step.
  virtual double learning_rate() const;
  /// Throws Error if the optimizer was made with a schedule, and for a rate that is negative or NaN.
  virtual void set_learning_rate(double rate);
  /// Steps done; with gradient accumulation the small ones count.
  virtual std::int64_t iterations() const;
  virtual void set_iterations(std::int64_t iterations);
  /// In Keras' order: iteration, learning_rate (unless a schedule), then slots.
  virtual std::vector<Variable> variables() const;
  /// Overwrites the variables by their moving averages, if use_ema: what fit does at its end.
  virtual void finalize_variable_values(const std::vector<Variable>& variables);
  /// Those that share the variables out among them, each with a rate of its own (MultiOptimizer); none: it has them
  /// all.
  virtual std::vector<std::shared_ptr<Optimizer>> optimizers() const { return {}; }
  /// The one whose steps this one prepares, with rate and state of its own (LossScaleOptimizer); null: none.
  virtual std::shared_ptr<Optimizer> inner_optimizer() const { return {}; }
  /// The loss whose gradients apply() takes: times loss_scale_factor, if there is one.
  virtual Tensor scale_loss(const Tensor& loss) const;
  /// Regular expressions; variables whose name holds one of them do not decay. Before the first step.
  void exclude_from_weight_decay(const std::vector<std::string>& name_patterns);

  const std::string& name() const;
  const OptimizerOptions& options() const;
  virtual std::string class_name() const { return {}; }
  virtual Config config() const;

  struct State;

 protected:
  explicit Optimizer(OptimizerOptions options, const std::string& default_name);
  /// Makes the slots of all variables, by add_slot, in Keras' order.
  virtual void make_slots(const std::vector<Variable>& variables) = 0;
  /// Before the first update() of a step.
  virtual void begin_step() {}
  /// Changes one variable; `index` is its place in the list. Nothing is recorded.
  virtual void update(const Tensor& gradient, const Variable& variable, std::size_t index, double learning_rate) = 0;
  /// All of a step: gradients[i] is of trained(indices[i]). By default update() for one after the other.
  virtual void update_all(std::span<const Tensor> gradients, std::span<const std::size_t> indices,
                          double learning_rate);
  /// Whether update() itself decays weights in its sweep, by weight_decay(index).
  virtual bool decays_weights() const { return false; }
  /// The option, or 0 for variables that do not decay.
  virtual double weight_decay(const Variable& variable, std::size_t index) const;
  /// The variable at that place in the list.
  const Variable& trained(std::size_t index) const;
  /// Whether exclude_from_weight_decay left that variable in.
  bool decays(std::size_t index) const;
  Variable add_slot(const Variable& like, const std::string& slot_name, double initial = 0.0);
  /// A slot of a shape of its own.
  Variable add_slot(const Tensor& initial, const std::string& path);
  /// Steps done, divided by gradient_accumulation_steps, + 1.
  std::int64_t update_number() const;

  std::shared_ptr<State> state_;

 private:
  std::vector<Tensor> accumulated(const std::vector<Tensor>& gradients, const std::vector<std::size_t>& places);
  void update_averages();
};

/// The common options of an optimizer's own options struct.
template <class Options>
OptimizerOptions common_options(const Options& o) {
  return {o.learning_rate,
          o.weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.loss_scale_factor,
          o.gradient_accumulation_steps,
          o.name};
}

/// Reads the common options from a config; those that it lacks stay as they are in `defaults`.
OptimizerOptions common_options_from(const Config& config, OptimizerOptions defaults);

/// Fills the common options of an optimizer's own options struct from a config.
template <class Options>
Options with_common(Options options, const Config& config) {
  OptimizerOptions common = common_options_from(config, common_options(options));
  options.learning_rate = std::move(common.learning_rate);
  options.weight_decay = common.weight_decay;
  options.clipnorm = common.clipnorm;
  options.clipvalue = common.clipvalue;
  options.global_clipnorm = common.global_clipnorm;
  options.use_ema = common.use_ema;
  options.ema_momentum = common.ema_momentum;
  options.ema_overwrite_frequency = common.ema_overwrite_frequency;
  options.loss_scale_factor = common.loss_scale_factor;
  options.gradient_accumulation_steps = common.gradient_accumulation_steps;
  options.name = std::move(common.name);
  return options;
}

std::shared_ptr<Optimizer> resolve(const OptimizerRef& ref, const std::string& owner);
Config to_config(const Optimizer& optimizer);
std::shared_ptr<Optimizer> optimizer_from_config(const Config& config);

}  // namespace nyala
