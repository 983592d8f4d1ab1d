#pragma once

#include <vector>

#include <nyala/error.hpp>
#include <nyala/layers/lora.hpp>
#include <nyala/layers/quantized.hpp>

#include "quantization.hpp"

namespace nyala::quantization {

/// What the quantized layers have in common: the plain layer's config, the policy, an adapter.
class Quantized : public WithStoredVariables {
 public:
  explicit Quantized(const Config& config)
      : policy_(config.at("quantization_policy")),
        written_policy_(config.contains("policy_map") ? config.at("policy_map") : policy_),
        quantization_(config.get("quantization_config")),
        scheme_(scheme_of(policy_)),
        lora_{.rank = config.optional_int("lora_rank"), .alpha = config.optional_int("lora_alpha")} {
    if (lora_.rank && *lora_.rank < 1) throw Error("lora_rank must be positive, got " + std::to_string(*lora_.rank));
  }

  std::vector<Variable> stored_variables() const override { return stored_; }
  std::vector<Tensor> stored_values() const override {
    if (lora_.enabled() && count_nonzero(lora_.b.value()).item<std::int64_t>() != 0) {
      throw Error("a quantized layer whose LoRA adapter has learnt cannot be saved: its sum is not quantized anew");
    }
    std::vector<Tensor> values;
    for (const Variable& variable : stored_) values.push_back(variable.value());
    return values;
  }
  std::vector<Variable> cleared_variables() const override {
    return lora_.enabled() ? std::vector<Variable>{lora_.a, lora_.b} : std::vector<Variable>{};
  }

 protected:
  /// `plain`: the config of the same layer unquantized.
  Config described(Config plain) const {
    plain["dtype"] = written_policy_;
    plain["quantization_config"] = quantization_;
    return plain;
  }

  Config policy_, written_policy_, quantization_;
  Scheme scheme_;
  Lora lora_;
  std::vector<Variable> stored_;
};

/// An Embedding or a ReversibleEmbedding.
LayerRef quantized_embedding(const std::string& class_name, const Config& config);

}  // namespace nyala::quantization
