#pragma once

#include <memory>
#include <string>

#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// A penalty on a weight or an output, a scalar. https://keras.io/api/layers/regularizers/
class Regularizer {
 public:
  virtual ~Regularizer() = default;
  virtual Tensor operator()(const Tensor& x) = 0;
  virtual std::string class_name() const { return {}; }
  virtual Config config() const { return Config::object(); }
};

std::shared_ptr<Regularizer> resolve(const RegularizerRef& ref, const std::string& owner);
Config to_config(const std::shared_ptr<Regularizer>& regularizer);
RegularizerRef regularizer_from_config(const Config& config);
/// What Keras writes for a reference.
inline Config to_config(const RegularizerRef& ref) { return to_config(resolve(ref, "config")); }

}  // namespace nyala
