#pragma once

#include <memory>
#include <string>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// How a weight begins. https://keras.io/api/layers/initializers/
class Initializer {
 public:
  virtual ~Initializer() = default;
  virtual Tensor operator()(const Shape& shape, DType dtype) = 0;
  /// Keras' class name; empty for a class of the user's that is not registered.
  virtual std::string class_name() const { return {}; }
  virtual Config config() const { return Config::object(); }
};

/// The object that a name, an object or a callable stands for; null for None. Throws Error, with a suggestion, for an
/// unknown name; `owner` names who asked.
std::shared_ptr<Initializer> resolve(const InitializerRef& ref, const std::string& owner);
/// What Keras writes for it: a keras_object, or null.
Config to_config(const std::shared_ptr<Initializer>& initializer);
/// The inverse: an object, a name, or null.
InitializerRef initializer_from_config(const Config& config);
/// That of config[key], or `otherwise` where the key is missing.
inline InitializerRef initializer_from_config(const Config& config, const std::string& key,
                                              const InitializerRef& otherwise) {
  return config.contains(key) ? initializer_from_config(config.at(key)) : otherwise;
}
/// What Keras writes for a reference; of a name, for what it stands for, without drawing a random seed.
Config to_config(const InitializerRef& ref);

}  // namespace nyala
