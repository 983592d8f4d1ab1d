#pragma once

// What SimpleRNN, LSTM and GRU share.

#include <algorithm>
#include <array>
#include <string>

#include <nyala/activations.hpp>
#include <nyala/constraint.hpp>
#include <nyala/error.hpp>
#include <nyala/initializer.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>
#include <nyala/regularizer.hpp>

#include "seed.hpp"

namespace nyala::recurrent {

inline void check(int units, double dropout, double recurrent_dropout, const std::string& layer) {
  if (units < 1) throw Error(layer + ": units must be positive, got " + std::to_string(units));
  for (const double rate : {dropout, recurrent_dropout}) {
    if (!(rate >= 0.0 && rate <= 1.0)) throw Error(layer + ": dropout must lie in [0, 1], got " + std::to_string(rate));
  }
}

/// 1 / (1 - rate) where kept, else 0; null for a rate of 0.
inline Tensor dropout_mask(const Shape& shape, double rate, DType dtype, SeedGenerator& seed) {
  return rate == 0.0 ? Tensor() : random::dropout(ones(shape, dtype), rate, {}, seed);
}

/// Whether a whole sequence can be run at once: the activation works element by element and has a name.
inline bool elementwise(const ActivationFunction& activation) {
  constexpr std::array others{"softmax", "log_softmax", "sparsemax", "glu"};
  const std::string& name = activation.name();
  const std::vector<std::string> names = activation_names();
  return std::find(names.begin(), names.end(), name) != names.end() &&
         std::none_of(others.begin(), others.end(), [&](const char* other) { return name == other; });
}

/// unit_forget_bias: the second of four blocks of `units` begins with ones.
inline InitializerRef forget_gate_ones(const InitializerRef& others, std::int64_t units, const std::string& owner) {
  const std::shared_ptr<Initializer> given = resolve(others, owner);
  if (given == nullptr) throw Error(owner + ": unit_forget_bias needs a bias_initializer, got none");
  return [given, units](const Shape&, DType dtype) {
    return concatenate({(*given)({units}, dtype), ones({units}, dtype), (*given)({2 * units}, dtype)}, 0);
  };
}

template <class Options>
void write_initializers(Config& config, const Options& options) {
  config["kernel_initializer"] = to_config(options.kernel_initializer);
  config["recurrent_initializer"] = to_config(options.recurrent_initializer);
  config["bias_initializer"] = to_config(options.bias_initializer);
}

template <class Options>
void write_penalties(Config& config, const Options& options) {
  config["kernel_regularizer"] = to_config(options.kernel_regularizer);
  config["recurrent_regularizer"] = to_config(options.recurrent_regularizer);
  config["bias_regularizer"] = to_config(options.bias_regularizer);
  config["kernel_constraint"] = to_config(options.kernel_constraint);
  config["recurrent_constraint"] = to_config(options.recurrent_constraint);
  config["bias_constraint"] = to_config(options.bias_constraint);
}

template <class Options>
void write_weights(Config& config, const Options& options) {
  write_initializers(config, options);
  write_penalties(config, options);
}

}  // namespace nyala::recurrent
