#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nyala/assets.hpp>
#include <nyala/config.hpp>
#include <nyala/ref.hpp>
#include <nyala/variable.hpp>

namespace nyala {

/// The adapter of a kernel: kernel + alpha / rank · a · b, of which only a and b learn.
/// https://arxiv.org/abs/2106.09685
struct Lora {
  std::optional<int> rank = {}, alpha = {};
  Variable a = {}, b = {};

  bool enabled() const { return a.defined(); }
  double scale() const;
  Tensor merged(const Tensor& kernel) const;
  /// lora_rank and lora_alpha, if there is a rank.
  void write(Config& config) const;
};

/// The kernel and bias of a layer that can have an adapter (Keras' enable_lora).
class WithLora : public WithStoredVariables {
 public:
  std::vector<Variable> stored_variables() const override;
  std::vector<Tensor> stored_values() const override;
  std::vector<Variable> cleared_variables() const override;

 protected:
  using AddWeight = std::function<Variable(const std::string& name, const Shape& shape, const InitializerRef& initial)>;

  WithLora() = default;
  /// Throws Error, naming the owner, for a rank or alpha that is not positive, and for a kernel under a constraint.
  WithLora(const std::string& owner, std::optional<int> rank, std::optional<int> alpha, bool constrained);
  /// For enable_lora: the same checks, and that the layer is built and has no adapter yet.
  void ask_for_lora(const std::string& owner, bool built, int rank, std::optional<int> alpha, bool constrained);
  /// Makes a and b if a rank is asked for; the kernel no longer learns then.
  void add_lora(const AddWeight& add_weight, const std::string& prefix = "lora_kernel");
  Tensor adapted_kernel() const { return lora_.enabled() ? lora_.merged(kernel_) : Tensor(kernel_); }

  Lora lora_;
  Variable kernel_, bias_;
};

}  // namespace nyala
