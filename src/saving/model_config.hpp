#pragma once

#include <memory>

#include <nyala/model.hpp>
#include <nyala/serialization.hpp>

namespace nyala::saving {

/// keras3: what `.keras` and to_json hold (module, class_name, config, registered_name, build_config). legacy: what
/// whole-model `.h5` files hold (class_name and config).
enum class Form : unsigned char { keras3, legacy };

struct RestoreOptions {
  /// More declared bytes of weights are refused before they are allocated. Who reads a file may lower it to what the
  /// file can hold.
  std::uint64_t max_parameter_bytes = LoadOptions().max_parameter_bytes;
  /// false: no initializer is run and the weights are zero, for a caller that fills them.
  bool initialize = true;
};

/// The whole class object of a model; in keras3 form with compile_config, if the model is compiled.
/// Throws Error naming the layer that no file can describe (a function of one's own without a name).
Config model_config(const Model& model, Form form = Form::keras3);
/// The model that a class object of any dialect describes (Keras 1, 2, tf.keras, 3), not compiled; built where the
/// object has the shapes. Throws Error naming layer and key.
Model model_from_config(const Config& object, const RestoreOptions& options = {});

/// `compile_config` of a `.keras` file; an empty object if the model is not compiled.
Config compile_config(const Model& model);
/// `training_config` of a legacy `.h5` file; null if the model is not compiled.
Config training_config(const Model& model);
/// Compiles as either of the two says; does nothing for null or an empty object. What cannot be kept (an unknown
/// metric, a function) is left out with a warning on stderr that names it.
/// `object` may hold settings of our own beside them (masks_weigh).
void compile_from_config(Model& model, const Config& config, const Config& object = {});

Config optimizer_config(const Optimizer& optimizer, Form form = Form::keras3);
/// Of any dialect: old keys such as `lr` and `decay` are read too. Throws Error for an unknown class.
std::shared_ptr<Optimizer> optimizer_from_config(const Config& config);

}  // namespace nyala::saving
