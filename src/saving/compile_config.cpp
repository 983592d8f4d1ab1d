// Compile settings: compile_config of `.keras`, training_config of legacy `.h5` (Keras 1 to 3).
#include <algorithm>
#include <map>

#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/register.hpp>

#include "model/model_state.hpp"
#include "saving/assignments.hpp"
#include "saving/config_values.hpp"
#include "saving/layer_dialect.hpp"
#include "saving/model_config.hpp"
#include "saving/private_settings.hpp"

namespace nyala::saving {

namespace {

using detail::Compiled;

void warn_compile(const std::string& text) { warn("compile settings of the file: " + text); }

Config losses_config(const Losses& losses) {
  if (!losses.by_name().empty()) {
    Config object = Config::object();
    for (const auto& [name, loss] : losses.by_name()) object[name] = to_config(loss);
    return object;
  }
  if (losses.list().empty()) return {};
  if (losses.list().size() == 1) return to_config(losses.list().front());
  Config list = Config::array();
  for (const LossRef& loss : losses.list()) list.push_back(to_config(loss));
  return list;
}

Config list_config(const std::vector<MetricRef>& metrics) {
  Config list = Config::array();
  for (const MetricRef& metric : metrics) list.push_back(to_config(metric));
  return list;
}

Config metrics_config(const Metrics& metrics) {
  if (!metrics.by_name().empty()) {
    Config object = Config::object();
    for (const auto& [name, list] : metrics.by_name()) object[name] = list_config(list);
    return object;
  }
  if (!metrics.per_output().empty()) {
    Config list = Config::array();
    for (const auto& own : metrics.per_output()) list.push_back(list_config(own));
    return list;
  }
  return metrics.list().empty() ? Config() : list_config(metrics.list());
}

Config weights_config(const LossWeights& weights) {
  if (!weights.by_name().empty()) {
    Config object = Config::object();
    for (const auto& [name, weight] : weights.by_name()) object[name] = weight;
    return object;
  }
  if (weights.list().empty()) return {};
  return Config(weights.list());
}

/// The user's own optimizer: where compile wrapped it for loss scaling, it will again after a load.
Config own_optimizer(const Compiled& compiled, Form form) {
  return optimizer_config(compiled.wrapped ? *compiled.optimizer->inner_optimizer() : *compiled.optimizer, form);
}

/// {class_name, config} of every object, the name of every function.
Config legacy(const Config& value) {
  if (value.is_array()) {
    Config items = Config::array();
    for (const Config& item : value.items()) items.push_back(legacy(item));
    return items;
  }
  if (!value.is_object()) return value;
  const std::string name = class_name_of(value);
  if (name == "function") return value.at("config");
  if (!name.empty()) {
    const Config& registered = value.get("registered_name");
    return Config::object(
        {{"class_name", registered.is_string() ? registered : Config(name)}, {"config", value.at("config")}});
  }
  Config object = Config::object();
  for (const auto& [key, entry] : value.entries()) object[key] = legacy(entry);
  return object;
}

void add_settings(Config& config, const Compiled& compiled, Form form) {
  const auto in_form = [&](const Config& value) { return form == Form::legacy ? legacy(value) : value; };
  config["loss"] = in_form(losses_config(compiled.losses_given));
  config["loss_weights"] = weights_config(compiled.options.loss_weights);
  config["metrics"] = in_form(metrics_config(compiled.options.metrics));
  config["weighted_metrics"] = in_form(metrics_config(compiled.options.weighted_metrics));
  config["run_eagerly"] = compiled.options.run_eagerly;
  config["steps_per_execution"] = compiled.options.steps_per_execution;
  config["jit_compile"] = compiled.jit_compile;
}

/// What older versions called a loss; Keras 3 knows these names no more.
Config todays_name(const Config& name) {
  static const std::map<std::string, const char*> names = {{"kullback_leibler_divergence", "kl_divergence"},
                                                           {"logcosh", "log_cosh"},
                                                           {"huber_loss", "huber"},
                                                           {"cosine", "cosine_similarity"},
                                                           {"cosine_proximity", "cosine_similarity"}};
  const auto known = names.find(name.as_string());
  return known == names.end() ? name : Config(known->second);
}

/// Functions of losses that were metrics too, under the names by which logs have them; null for others.
Config metric_of_function(const std::string& name) {
  static const std::map<std::string, const char*> classes = {{"kullback_leibler_divergence", "KLDivergence"},
                                                             {"kld", "KLDivergence"},
                                                             {"KLD", "KLDivergence"},
                                                             {"logcosh", "LogCoshError"},
                                                             {"log_cosh", "LogCoshError"},
                                                             {"cosine", "CosineSimilarity"},
                                                             {"cosine_proximity", "CosineSimilarity"}};
  const auto known = classes.find(name);
  if (known == classes.end()) return {};
  return Config::keras_object("keras.metrics", known->second, Config::object({{"name", name}}));
}

/// `metric` as an object of that name: logs have it.
Config under_name(const Config& metric, const std::string& name) {
  if (metric == Config(name)) return metric;
  Config object =
      metric.is_string() ? Config::keras_object("keras.metrics", metric.as_string(), Config::object()) : metric;
  object["config"]["name"] = name;
  return object;
}

/// TensorFlow's Keras writes the name of the metric with that of its output, and `output` is one of several.
std::string bare_name(const std::string& name, const std::string& output) {
  if (output.empty() || !version_being_read().before(3, 0) || name.rfind(output + "_", 0) != 0) return name;
  return name.substr(output.size() + 1);
}

/// {class_name: MeanMetricWrapper, config: {name, fn}} stands for a function, or a loss, under a name.
Config todays_metric(const Config& given, const std::string& output) {
  const std::string name = class_name_of(given);
  if (given.is_string()) {
    const Config metric = metric_of_function(given.as_string());
    return metric.is_null() ? given : metric;
  }
  if (name.empty()) return given;
  Config metric = given;
  const Config& config = given.get("config");
  if (config.is_object() && config.get("name").is_string())
    metric["config"]["name"] = bare_name(config.at("name").as_string(), output);
  if (name == "MeanMetricWrapper" || name == "SumOverBatchSizeMetricWrapper") {
    const Config& function = config.at("fn");
    const bool is_function = class_name_of(function) == "function";
    const Config inner = todays_metric(is_function ? function.get("config") : function, "");
    const Config& called = metric.at("config").get("name");
    return called.is_string() ? under_name(inner, called.as_string()) : inner;
  }
  if (config.is_object()) {
    for (const char* key : {"fn", "trainable", "dtype"}) {
      if (metric["config"].contains(key)) metric["config"].erase(key);
    }
  }
  return metric;
}

Config todays_loss(const Config& given) {
  if (given.is_string()) return todays_name(given);
  Config loss = given;
  if (class_name_of(given).empty() || !given.get("config").is_object()) return loss;
  Config& config = loss["config"];
  if (config.get("reduction") == Config("auto")) config["reduction"] = "sum_over_batch_size";
  config.erase("fn");
  return loss;
}

/// The items of a list, and of lists in it.
std::vector<Config> flattened(const Config& list) {
  std::vector<Config> items;
  for (const Config& item : list.items()) {
    if (!item.is_array())
      items.push_back(item);
    else
      for (const Config& inner : flattened(item)) items.push_back(inner);
  }
  return items;
}

bool is_object_form(const Config& config) { return !class_name_of(config).empty(); }

LossRef loss_of(const Config& config) {
  try {
    return loss_from_config(todays_loss(config));
  } catch (const Error& error) {
    warn_compile("the loss " + config.json().substr(0, 80) + " is left out: " + error.what());
    return {};
  }
}

Losses losses_of(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string() || is_object_form(config)) {
    const LossRef loss = loss_of(config);
    return loss.is_none() ? Losses() : Losses(std::vector<LossRef>{loss});
  }
  if (config.is_array()) {
    std::vector<LossRef> list;
    for (const Config& item : flattened(config)) list.push_back(item.is_null() ? LossRef() : loss_of(item));
    return list;
  }
  std::map<std::string, LossRef> by_name;
  for (const auto& [name, item] : config.entries()) {
    if (!item.is_null()) by_name[name] = loss_of(item);
  }
  return by_name;
}

/// A loss among the metrics: its mean over the batches.
bool is_loss(const Config& metric) {
  if (class_name_of(metric).empty()) return false;
  const Config& config = metric.get("config");
  return metric.get("module") == Config("keras.losses") || (config.is_object() && config.contains("reduction"));
}

MetricRef metric_of(const Config& config) {
  if (is_loss(config)) return detail::metric_of_loss(resolve(loss_from_config(todays_loss(config)), "config"));
  try {
    return metric_from_config(config);
  } catch (const Error&) {
    const Config& name = class_name_of(config) == "function" ? config.at("config") : config;
    if (!name.is_string()) throw;
    try {
      return detail::metric_of_loss(resolve(loss_from_config(todays_loss(name)), "config"), name.as_string());
    } catch (const Error&) {
      // what the metric's error says is to the point
    }
    throw;
  }
}

/// output: its name, if it is one of several.
std::vector<MetricRef> metric_list(const Config& config, const std::string& output) {
  std::vector<MetricRef> list;
  for (const Config& item : config.is_array() ? config.items() : std::vector<Config>{config}) {
    if (item.is_null()) continue;
    try {
      list.push_back(metric_of(todays_metric(item, output)));
    } catch (const Error& error) {
      warn_compile("the metric " + item.json().substr(0, 80) + " is left out: " + error.what());
    }
  }
  return list;
}

Metrics metrics_of(const Config& config, const std::vector<std::string>& outputs) {
  if (config.is_null() || (config.is_array() && config.size() == 0)) return {};
  if (config.is_object() && !is_object_form(config)) {
    std::map<std::string, std::vector<MetricRef>> by_name;
    for (const auto& [name, item] : config.entries()) by_name[name] = metric_list(item, outputs.size() > 1 ? name : "");
    return by_name;
  }
  const auto is_list = [](const Config& item) { return item.is_array(); };
  if (config.is_array() && std::any_of(config.items().begin(), config.items().end(), is_list)) {
    std::vector<std::vector<MetricRef>> per_output;
    for (const Config& item : config.items()) {
      const std::size_t i = per_output.size();
      per_output.push_back(metric_list(item, outputs.size() > 1 && i < outputs.size() ? outputs[i] : ""));
    }
    if (outputs.size() == 1 && per_output.size() == 1) return per_output.front();
    return per_output;
  }
  return metric_list(config, "");
}

LossWeights loss_weights_of(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_number()) return std::vector<double>{config.as_double()};
  if (config.is_array()) {
    std::vector<double> list;
    for (const Config& item : flattened(config)) list.push_back(item.is_null() ? 1.0 : item.as_double());
    return list;
  }
  std::map<std::string, double> by_name;
  for (const auto& [name, item] : config.entries()) by_name[name] = item.is_null() ? 1.0 : item.as_double();
  return by_name;
}

}  // namespace

Config compile_config(const Model& model) {
  Config config = Config::object();
  if (!model.compiled()) return config;
  const Compiled& compiled = *model.model_state()->compiled;
  config["optimizer"] = own_optimizer(compiled, Form::keras3);
  add_settings(config, compiled, Form::keras3);
  return config;
}

Config training_config(const Model& model) {
  if (!model.compiled()) return {};
  const Compiled& compiled = *model.model_state()->compiled;
  Config config = Config::object();
  add_settings(config, compiled, Form::legacy);
  config["optimizer_config"] = own_optimizer(compiled, Form::legacy);
  if (compiled.masks_weigh) config[masks_weigh] = true;
  return config;
}

void compile_from_config(Model& model, const Config& given, const Config& object) {
  const Config config = plain(given);
  if (config.is_null() || (config.is_object() && config.size() == 0)) return;
  const Config& own = config.contains("optimizer") ? config.at("optimizer") : config.get("optimizer_config");
  std::shared_ptr<Optimizer> optimizer;
  try {
    // Keras forgets it in a .keras file that it writes after an .h5 file, and then compiles with its default.
    const bool forgotten = !config.contains("optimizer") && !config.contains("optimizer_config");
    if (forgotten) warn_compile("no optimizer is named; RMSprop, Keras' default, takes its place");
    optimizer =
        own.is_null() && !forgotten ? nullptr : saving::optimizer_from_config(forgotten ? Config("rmsprop") : own);
  } catch (const Error& error) {
    warn_compile("the optimizer cannot be kept, so the model is not compiled: " + std::string(error.what()));
    return;
  }
  if (optimizer == nullptr) {
    if (!own.is_null()) warn_compile("there is no optimizer, so the model is not compiled");
    return;
  }
  try {
    const std::vector<std::string> outputs = model.output_names();
    CompileOptions options{.metrics = metrics_of(config.get("metrics"), outputs),
                           .loss_weights = loss_weights_of(config.get("loss_weights")),
                           .weighted_metrics = metrics_of(config.get("weighted_metrics"), outputs),
                           .run_eagerly = config.get("run_eagerly", false)};
    if (config.get("steps_per_execution").is_integer())
      options.steps_per_execution = config.at("steps_per_execution").as_int();
    model.compile(optimizer, losses_of(config.get("loss")), options);
    if (const Config& jit = config.get("jit_compile"); jit.is_bool() || jit == Config("auto"))
      model.model_state()->compiled->jit_compile = jit;
    model.model_state()->compiled->masks_weigh =
        version_being_read().masks_weigh() || (object.is_object() && object.get(masks_weigh) == Config(true));
  } catch (const Error& error) {
    warn_compile("the model is not compiled: " + std::string(error.what()));
  }
}

}  // namespace nyala::saving
