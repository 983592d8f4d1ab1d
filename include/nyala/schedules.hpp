#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nyala/optimizer.hpp>

namespace nyala {

// Keras' learning rate schedules. https://keras.io/api/optimizers/learning_rate_schedules/
// Steps count from 0; numbers of steps that are not positive are Errors.

struct ExponentialDecayOptions {
  bool staircase = false;
  std::string name = "ExponentialDecay";
};
/// initial_learning_rate * decay_rate ^ (step / decay_steps)
class ExponentialDecay : public LearningRateSchedule {
 public:
  ExponentialDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   ExponentialDecayOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "ExponentialDecay"; }
  Config config() const override;
  static ExponentialDecay from_config(const Config& config);

 private:
  double initial_;
  std::int64_t steps_;
  double rate_;
  ExponentialDecayOptions options_;
};

struct InverseTimeDecayOptions {
  bool staircase = false;
  std::string name = "InverseTimeDecay";
};
/// initial_learning_rate / (1 + decay_rate * step / decay_steps)
class InverseTimeDecay : public LearningRateSchedule {
 public:
  InverseTimeDecay(double initial_learning_rate, std::int64_t decay_steps, double decay_rate,
                   InverseTimeDecayOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "InverseTimeDecay"; }
  Config config() const override;
  static InverseTimeDecay from_config(const Config& config);

 private:
  double initial_;
  std::int64_t steps_;
  double rate_;
  InverseTimeDecayOptions options_;
};

struct PiecewiseConstantDecayOptions {
  std::string name = "PiecewiseConstant";
};
/// values[i] up to and including boundaries[i], the last value afterwards.
class PiecewiseConstantDecay : public LearningRateSchedule {
 public:
  /// boundaries ascend; there is one value more.
  PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values,
                         PiecewiseConstantDecayOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "PiecewiseConstantDecay"; }
  Config config() const override;
  static PiecewiseConstantDecay from_config(const Config& config);

 private:
  std::vector<std::int64_t> boundaries_;
  std::vector<double> values_;
  PiecewiseConstantDecayOptions options_;
};

struct PolynomialDecayOptions {
  double end_learning_rate = 1e-4, power = 1.0;
  bool cycle = false;
  std::string name = "PolynomialDecay";
};
/// From initial_learning_rate to end_learning_rate within decay_steps; with `cycle` again and again, ever longer.
class PolynomialDecay : public LearningRateSchedule {
 public:
  PolynomialDecay(double initial_learning_rate, std::int64_t decay_steps, PolynomialDecayOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "PolynomialDecay"; }
  Config config() const override;
  static PolynomialDecay from_config(const Config& config);

 private:
  double initial_;
  std::int64_t steps_;
  PolynomialDecayOptions options_;
};

struct CosineDecayOptions {
  double alpha = 0.0;
  std::optional<double> warmup_target = {};
  std::int64_t warmup_steps = 0;
  std::string name = "CosineDecay";
};
/// Half a cosine down to alpha times the rate (Loshchilov & Hutter 2016), after a linear rise to warmup_target within
/// warmup_steps if a target is given.
class CosineDecay : public LearningRateSchedule {
 public:
  CosineDecay(double initial_learning_rate, std::int64_t decay_steps, CosineDecayOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "CosineDecay"; }
  Config config() const override;
  static CosineDecay from_config(const Config& config);

 private:
  double initial_;
  std::int64_t steps_;
  CosineDecayOptions options_;
};

struct CosineDecayRestartsOptions {
  double t_mul = 2.0, m_mul = 1.0, alpha = 0.0;
  std::string name = "SGDRDecay";
};
/// Cosine decay that begins anew: each time t_mul as long and m_mul as high.
class CosineDecayRestarts : public LearningRateSchedule {
 public:
  CosineDecayRestarts(double initial_learning_rate, std::int64_t first_decay_steps,
                      CosineDecayRestartsOptions options = {});
  double operator()(std::int64_t step) const override;
  std::string class_name() const override { return "CosineDecayRestarts"; }
  Config config() const override;
  static CosineDecayRestarts from_config(const Config& config);

 private:
  double initial_;
  std::int64_t steps_;
  CosineDecayRestartsOptions options_;
};

}  // namespace nyala
