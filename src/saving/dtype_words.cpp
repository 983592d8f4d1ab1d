#include "saving/dtype_words.hpp"

#include <nyala/dtype_policy_map.hpp>
#include <nyala/error.hpp>

#include "model/registry.hpp"
#include "saving/config_values.hpp"

namespace nyala::saving {

namespace {

/// "int8_from_float32" as the object that it is short for; null for any other name.
Config quantized_policy(const std::string& name) {
  const std::size_t from = name.find("_from_");
  if (from == std::string::npos) return {};
  const std::string mode = name.substr(0, from);
  std::string class_name = "QuantizedDTypePolicy";
  if (mode.rfind("int4/", 0) == 0) class_name = "Int4DTypePolicy";
  if (mode == "float8") class_name = "QuantizedFloat8DTypePolicy";
  if (mode.rfind("gptq/", 0) == 0) class_name = "GPTQDTypePolicy";
  if (mode.rfind("awq/", 0) == 0) class_name = "AWQDTypePolicy";
  const Config source = Config::object({{"mode", mode}, {"source_name", name.substr(from + 6)}});
  return Config::object({{"module", "keras.dtype_policies"},
                         {"class_name", class_name},
                         {"config", source},
                         {"registered_name", Config()}});
}

}  // namespace

void dtype_words(Config& config, const std::string& class_name) {
  Config given = config.get("dtype");
  if (given.is_string()) given = quantized_policy(given.as_string());
  if (given.is_null()) return;
  const detail::BuiltinLayer* layer = detail::builtin_layer(class_name);
  const bool quantizable = layer != nullptr && layer->quantizable;
  try {
    const DTypePolicy own = dtype_policy_from_config(given).of_layer(config.get("name", ""));
    const bool is_map = class_name_of(given) == "DTypePolicyMap";
    if (!own.quantization().empty() && quantizable) {
      config["quantization_policy"] = Config::parse(own.quantization());
      if (is_map) config["policy_map"] = given;
      config["dtype"] = own.given() ? Config(own.name()) : Config();
    } else if (is_map || !own.quantization().empty()) {
      config["dtype"] = given;
    } else {
      config["dtype"] = own.given() ? Config(own.name()) : Config();
    }
  } catch (const Error& error) {
    throw Error("the key \"dtype\": " + std::string(error.what()));
  }
}

}  // namespace nyala::saving
