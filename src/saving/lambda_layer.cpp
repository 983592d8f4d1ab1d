#include "saving/lambda_layer.hpp"

#include <algorithm>

#include <nyala/activations.hpp>
#include <nyala/error.hpp>

#include "model/layer_state.hpp"
#include "model/registry.hpp"
#include "saving/config_values.hpp"

namespace nyala::saving {

namespace {

using Function = std::function<Tensors(const Tensors&)>;

class Lambda : public Layer {
 public:
  Lambda(const BaseOptions& options, Config config, Function function)
      : Layer(options.activity_regularizer, options.trainable, options.dtype, options.name),
        config_(std::move(config)),
        function_(std::move(function)) {
    state_->custom_backward = detail::CustomBackward::no;
  }

  Tensors call(const Tensors& inputs, bool) override { return function_(inputs); }
  std::string class_name() const override { return "Lambda"; }
  KerasForm keras_form() const override { return {.others = "mask training"}; }
  /// What the file said, bytecode and all: Python can go on with it.
  Config config() const override { return config_; }
  bool supports_masking() const override { return false; }

 private:
  Config config_;
  Function function_;
};

/// The name of a function that Keras wrote as such, or "".
std::string named_function(const Config& function) {
  if (function.is_string()) return function.as_string();
  if (class_name_of(function) != "function" || !function.get("config").is_string()) return {};
  return function.at("config").as_string();
}

}  // namespace

LayerRef lambda_from_config(const Config& config) {
  const std::string name = config.get("name", "");
  const BaseOptions options = with_base(BaseOptions{}, config);
  if (const Function function = detail::registered_lambda(name)) {
    return LayerRef(std::shared_ptr<Layer>(std::make_shared<Lambda>(options, config, function)));
  }
  const std::string known = named_function(config.get("function"));
  const std::vector<std::string> names = activation_names();
  if (std::find(names.begin(), names.end(), known) != names.end() || detail::registered_activation(known)) {
    const ActivationFunction activation(known, "Lambda");
    const auto apply = [activation](const Tensors& x) -> Tensors { return activation(x.only()); };
    return LayerRef(std::shared_ptr<Layer>(std::make_shared<Lambda>(options, config, apply)));
  }
  const std::string what =
      known.empty() ? "Python bytecode, which is never run" : "the Python function \"" + known + "\"";
  throw Error("a Lambda of " + what + "; register_lambda(\"" + name + "\", function) says what it does");
}

}  // namespace nyala::saving
