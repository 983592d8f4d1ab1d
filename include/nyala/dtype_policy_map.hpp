#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/dtype.hpp>

namespace nyala {

/// A policy for each layer by its path: the layer's name, below it those of the layers within ("mha/query"; of a
/// Sequential's layers "sequential/dense"). A key is a path or a regular expression that is searched for in it; where
/// none fits, the default policy holds. A layer takes it in place of a policy, and so do the layers within it.
/// https://keras.io/api/mixed_precision/policy (keras.dtype_policies.DTypePolicyMap)
class DTypePolicyMap {
 public:
  /// Throws Error for a key given twice and for one that is no regular expression.
  explicit DTypePolicyMap(const DTypePolicy& default_policy = {},
                          const std::vector<std::pair<std::string, DTypePolicy>>& by_path = {});
  operator DTypePolicy() const;

 private:
  std::shared_ptr<const detail::PolicyMap> map_;
};

/// A layer's dtype from its config: a name, or a policy of any class as Keras writes it; null: the global policy.
/// Throws Error naming a class that is not known.
DTypePolicy dtype_policy_from_config(const Config& config);
/// How Keras writes it.
Config to_config(const DTypePolicy& policy);

}  // namespace nyala
