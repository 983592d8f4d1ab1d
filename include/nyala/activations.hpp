#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <nyala/ops/nn.hpp>
#include <nyala/ref.hpp>

namespace nyala {

/// What an ActivationRef stands for. Default-made: linear.
class ActivationFunction {
 public:
  ActivationFunction() = default;
  /// Throws Error, with a suggestion, for an unknown name; `owner` names the layer in it.
  ActivationFunction(const ActivationRef& ref, const std::string& owner);

  Tensor operator()(const Tensor& x) const;
  bool is_linear() const { return name_ == "linear"; }
  /// Keras' name; empty for a callable of the user's.
  const std::string& name() const { return name_; }
  /// The activation, if dense() and conv() can fuse it.
  std::optional<FusedActivation> fused() const;
  /// Null unless a layer was given.
  const std::shared_ptr<Layer>& layer() const { return layer_; }
  /// As Keras writes it: a name, or a layer's object.
  Config config() const;

 private:
  std::string name_ = "linear";
  std::function<Tensor(const Tensor&)> function_;
  std::shared_ptr<Layer> layer_;
};

/// The inverse of ActivationFunction::config(); null is None.
ActivationRef activation_from_config(const Config& config);
/// Keras' registry: every activation's name.
std::vector<std::string> activation_names();

}  // namespace nyala
