#pragma once

// What SimpleRNN, LSTM, GRU and ConvLSTM share.

#include <algorithm>
#include <array>
#include <string>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>

#include "seed.hpp"
#include "weight_options.hpp"

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

/// The options of a recurrent layer or of its cell, as far as O has them.
template <class O>
O options_from(const Config& config) {
  O o = weight_options::from_config(O{}, config);
  if (config.contains("recurrent_activation")) {
    if constexpr (requires { o.recurrent_activation; })
      o.recurrent_activation = activation_from_config(config.at("recurrent_activation"));
  }
  if constexpr (requires { o.unit_forget_bias; }) o.unit_forget_bias = config.get("unit_forget_bias", true);
  if constexpr (requires { o.reset_after; }) o.reset_after = config.get("reset_after", true);
  o.dropout = config.get("dropout", 0.0);
  o.recurrent_dropout = config.get("recurrent_dropout", 0.0);
  o.seed = config.optional_integer("seed");
  return o;
}

template <class O>
void write_options(Config& config, const O& o) {
  weight_options::write_initializers(config, o);
  if constexpr (requires { o.unit_forget_bias; }) config["unit_forget_bias"] = o.unit_forget_bias;
  weight_options::write_regularizers(config, o, false);
  weight_options::write_constraints(config, o);
  config["dropout"] = o.dropout;
  config["recurrent_dropout"] = o.recurrent_dropout;
  if constexpr (requires { o.reset_after; }) config["reset_after"] = o.reset_after;
  config["seed"] = o.seed;
}

}  // namespace nyala::recurrent
