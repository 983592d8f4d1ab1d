#pragma once

// What the attention layers share.

#include <optional>
#include <string>

#include <nyala/error.hpp>
#include <nyala/layers/attention.hpp>
#include <nyala/ops/attention.hpp>

#include "seed.hpp"
#include "weight_options.hpp"

namespace nyala::attention {

/// A call argument that is true or false (or a number, as files may hold it); false where it is not given.
bool flag(const CallContext& context, const char* name);
/// (1, rows, columns): whether a row may see a column.
Tensor causal_mask(std::int64_t rows, std::int64_t columns);
/// All masks of a call on {query, value[, key]} and()ed, with the causal one only if `causal`: (batch, 1, rows,
/// columns), or as attention_mask has it; null if there is none.
Tensor joined_mask(const Tensors& inputs, const CallContext& context, const std::optional<int>& sliding_window,
                   bool causal);

struct Manner {
  double scale, dropout;
  bool training, wants_scores;
  bool causal = false;
};
/// Scaled dot-product attention; query, key and value are (batch, time, heads, dim); the weights only where they are
/// wanted.
Attended attend(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask, const Manner& manner,
                SeedGenerator& seed);

void check_dropout(double rate, const std::string& layer);
/// Error unless value and key agree on all that is known of every axis but the last; for layers without projections,
/// unless query and key have as many features.
void check_key(const std::string& label, const Shape& value, const Shape& key);
void check_features(const std::string& label, const Shape& query, const Shape& key);

// For the layers with projections.

template <class O>
void check_options(const O& options, const std::string& layer) {
  check_dropout(options.dropout, layer);
  if (options.sliding_window && *options.sliding_window < 1) {
    throw Error(layer + ": sliding_window must be positive, got " + std::to_string(*options.sliding_window));
  }
}

template <class O>
O options_from(O options, const Config& config) {
  options.dropout = config.get("dropout", 0.0);
  options.sliding_window = config.optional_int("sliding_window");
  options.use_gate = config.get("use_gate", false);
  options.seed = config.optional_integer("seed");
  return weight_options::from_config(options, config);
}

/// What stands last in a config: the options of weights and the seed.
template <class O>
void write_options(Config& config, const O& options) {
  weight_options::write_initializers(config, options);
  weight_options::write_regularizers(config, options, false);
  config["activity_regularizer"] = to_config(options.activity_regularizer);
  weight_options::write_constraints(config, options);
  config["seed"] = options.seed;
}

/// The layer's own options: as in Keras, it is the projections whose outputs are penalised.
template <class O>
O without_activity(O options) {
  options.activity_regularizer = {};
  return options;
}

template <class O>
EinsumDenseOptions projection_options(const O& options, const std::string& name, const std::string& bias_axes,
                                      const ActivationRef& activation = {}) {
  return {.activation = activation,
          .bias_axes = options.use_bias ? bias_axes : "",
          .kernel_initializer = options.kernel_initializer,
          .bias_initializer = options.bias_initializer,
          .kernel_regularizer = options.kernel_regularizer,
          .bias_regularizer = options.bias_regularizer,
          .kernel_constraint = options.kernel_constraint,
          .bias_constraint = options.bias_constraint,
          .activity_regularizer = options.activity_regularizer,
          .name = name};
}

}  // namespace nyala::attention
