#pragma once

// Options that many layers have under the same names (kernel_initializer, bias_constraint, use_bias, activation …),
// from a config and into one. An options struct says what it has by its fields; a key that is missing leaves a field's
// default.

#include <nyala/activations.hpp>
#include <nyala/config.hpp>
#include <nyala/constraint.hpp>
#include <nyala/initializer.hpp>
#include <nyala/layer.hpp>
#include <nyala/regularizer.hpp>

namespace nyala::weight_options {

template <class O, class Visit>
void each_initializer(O& o, const Visit& visit) {
  if constexpr (requires { o.kernel_initializer; }) visit("kernel_initializer", o.kernel_initializer);
  if constexpr (requires { o.depthwise_initializer; }) visit("depthwise_initializer", o.depthwise_initializer);
  if constexpr (requires { o.pointwise_initializer; }) visit("pointwise_initializer", o.pointwise_initializer);
  if constexpr (requires { o.recurrent_initializer; }) visit("recurrent_initializer", o.recurrent_initializer);
  if constexpr (requires { o.bias_initializer; }) visit("bias_initializer", o.bias_initializer);
}

template <class O, class Visit>
void each_regularizer(O& o, const Visit& visit) {
  if constexpr (requires { o.kernel_regularizer; }) visit("kernel_regularizer", o.kernel_regularizer);
  if constexpr (requires { o.depthwise_regularizer; }) visit("depthwise_regularizer", o.depthwise_regularizer);
  if constexpr (requires { o.pointwise_regularizer; }) visit("pointwise_regularizer", o.pointwise_regularizer);
  if constexpr (requires { o.recurrent_regularizer; }) visit("recurrent_regularizer", o.recurrent_regularizer);
  if constexpr (requires { o.bias_regularizer; }) visit("bias_regularizer", o.bias_regularizer);
}

template <class O, class Visit>
void each_constraint(O& o, const Visit& visit) {
  if constexpr (requires { o.kernel_constraint; }) visit("kernel_constraint", o.kernel_constraint);
  if constexpr (requires { o.depthwise_constraint; }) visit("depthwise_constraint", o.depthwise_constraint);
  if constexpr (requires { o.pointwise_constraint; }) visit("pointwise_constraint", o.pointwise_constraint);
  if constexpr (requires { o.recurrent_constraint; }) visit("recurrent_constraint", o.recurrent_constraint);
  if constexpr (requires { o.bias_constraint; }) visit("bias_constraint", o.bias_constraint);
}

/// The options of a layer with weights, as far as they have the names above; the others are the caller's.
template <LayerOptions O>
O from_config(O options, const Config& config) {
  each_initializer(options, [&](const char* key, InitializerRef& field) {
    if (config.contains(key)) field = initializer_from_config(config.at(key));
  });
  each_regularizer(options,
                   [&](const char* key, RegularizerRef& field) { field = regularizer_from_config(config.get(key)); });
  each_constraint(options,
                  [&](const char* key, ConstraintRef& field) { field = constraint_from_config(config.get(key)); });
  if constexpr (requires { options.activation; }) {
    if (config.contains("activation")) options.activation = activation_from_config(config.at("activation"));
  }
  if constexpr (requires { options.use_bias; }) options.use_bias = config.get("use_bias", options.use_bias);
  return with_base(options, config);
}

template <class O>
void write_initializers(Config& config, const O& options) {
  each_initializer(options, [&](const char* key, const InitializerRef& field) { config[key] = to_config(field); });
}

/// After the regularizers of weights Keras writes the output's, null if there is none, for most layers.
template <class O>
void write_regularizers(Config& config, const O& options, bool of_the_output) {
  each_regularizer(options, [&](const char* key, const RegularizerRef& field) { config[key] = to_config(field); });
  if (of_the_output && !config.contains("activity_regularizer")) config["activity_regularizer"] = Config();
}

template <class O>
void write_constraints(Config& config, const O& options) {
  each_constraint(options, [&](const char* key, const ConstraintRef& field) { config[key] = to_config(field); });
}

/// All of these, in Keras' order.
template <class O>
void write(Config& config, const O& options, bool of_the_output = true) {
  write_initializers(config, options);
  write_regularizers(config, options, of_the_output);
  write_constraints(config, options);
}

}  // namespace nyala::weight_options
