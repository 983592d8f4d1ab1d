#include <nyala/dtype_policy_map.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <nyala/error.hpp>

#include "core/policy_map.hpp"
#include "model/layer_path.hpp"

namespace nyala {

namespace detail {

namespace {
thread_local std::string outer_path, inner_path;
}

LayerPath::LayerPath(std::string outer, std::string inner)
    : outer_before_(std::exchange(outer_path, std::move(outer))),
      inner_before_(std::exchange(inner_path, std::move(inner))) {}
LayerPath::LayerPath(const std::string& name) : LayerPath(inner_path, path_of(inner_path, name)) {}
LayerPath LayerPath::anew(const std::string& name) { return LayerPath("", name); }
LayerPath::~LayerPath() {
  outer_path = std::move(outer_before_);
  inner_path = std::move(inner_before_);
}
const std::string& LayerPath::outside() { return outer_path; }

}  // namespace detail

namespace {

constexpr std::array policies{"DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1"};
constexpr std::array quantized_policies{"QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "Int4DTypePolicy",
                                        "GPTQDTypePolicy", "AWQDTypePolicy"};

template <std::size_t N>
bool holds(const std::array<const char*, N>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const char* one) { return name == one; });
}

/// Keras leaves out names that the global policy gives.
DTypePolicy named(const Config& name) {
  return name.is_null() || name == Config("_infer") ? DTypePolicy() : DTypePolicy(name.as_string());
}

void add_to(detail::PolicyMap& map, const std::string& path, const DTypePolicy& policy) {
  if (std::any_of(map.by_path.begin(), map.by_path.end(),
                  [&](const auto& other) { return other.first.text() == path; }))
    throw Error("DTypePolicyMap: the key \"" + path + "\" is given twice");
  map.by_path.emplace_back(PathPattern(path, "DTypePolicyMap"), policy);
}

/// Without the numbers by which Keras finds an object again that it wrote before: of another file they mean nothing.
Config unnumbered(const Config& object) {
  Config result = Config::object();
  for (const auto& [key, value] : object.entries()) {
    if (key != "shared_object_id") result[key] = value.is_object() ? unnumbered(value) : value;
  }
  return result;
}

DTypePolicy map_from_config(const Config& object) {
  const Config& config = object.at("config");
  detail::PolicyMap map{dtype_policy_from_config(config.get("default_policy")), {}, unnumbered(object).json()};
  if (map.fallback.map() != nullptr) throw Error("DTypePolicyMap: the default policy must not be a map itself");
  if (config.get("policy_map").is_object()) {
    for (const auto& [path, policy] : config.at("policy_map").entries())
      add_to(map, path, dtype_policy_from_config(policy));
  }
  return detail::PolicyMap::policy(std::make_shared<const detail::PolicyMap>(std::move(map)),
                                   detail::LayerPath::outside());
}

}  // namespace

DTypePolicyMap::DTypePolicyMap(const DTypePolicy& default_policy,
                               const std::vector<std::pair<std::string, DTypePolicy>>& by_path) {
  Config policies_by_path = Config::object();
  for (const auto& [path, policy] : by_path) policies_by_path[path] = to_config(policy);
  const Config object = Config::keras_object(
      "keras.dtype_policies", "DTypePolicyMap",
      Config::object({{"default_policy", default_policy.given() ? to_config(default_policy) : Config()},
                      {"policy_map", policies_by_path}}));
  detail::PolicyMap map{default_policy, {}, object.json()};
  for (const auto& [path, policy] : by_path) add_to(map, path, policy);
  map_ = std::make_shared<const detail::PolicyMap>(std::move(map));
}

DTypePolicyMap::operator DTypePolicy() const { return detail::PolicyMap::policy(map_, ""); }

DTypePolicy dtype_policy_from_config(const Config& config) {
  if (!config.is_object()) return named(config);
  const std::string class_name = config.get("class_name", "");
  const Config& own = config.get("config");
  if (class_name == "DTypePolicyMap") return map_from_config(config);
  if (holds(policies, class_name)) return named(own.get("name"));
  if (holds(quantized_policies, class_name))
    return detail::PolicyMap::quantized(named(own.get("source_name")), config.json());
  throw Error("the policy " + (class_name.empty() ? config.json().substr(0, 60) : class_name) + " is not known");
}

Config to_config(const DTypePolicy& policy) {
  if (policy.map() != nullptr) return Config::parse(policy.map()->json);
  if (!policy.quantization().empty()) return Config::parse(policy.quantization());
  return Config::keras_object("keras", "DTypePolicy", Config::object({{"name", policy.name()}}));
}

}  // namespace nyala
