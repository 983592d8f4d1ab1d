#include <nyala/metric.hpp>

#include <nyala/error.hpp>
#include <nyala/register.hpp>

#include "model/class_registry.hpp"
#include "model/label_kind.hpp"

namespace nyala {

namespace {

detail::Registry<Metric>& metric_registry() {
  static detail::Registry<Metric> instance("metric", "keras.metrics", detail::builtin_metrics());
  return instance;
}

/// Names whose meaning depends on the shapes of the data.
const std::vector<std::string> by_shape{"accuracy", "acc", "crossentropy", "ce"};

std::string concrete(const std::string& name, const Tensor& y_true, const Tensor& y_pred) {
  if (!detail::depends_on_labels(name)) return name;
  const char* what = name[0] == 'a' ? "Accuracy" : "Crossentropy";
  switch (detail::label_kind(y_true.shape(), y_pred.shape())) {
    case detail::LabelKind::binary: return std::string("Binary") + what;
    case detail::LabelKind::sparse: return std::string("SparseCategorical") + what;
    case detail::LabelKind::categorical: return std::string("Categorical") + what;
  }
  return name;
}

}  // namespace

bool detail::depends_on_labels(const std::string& metric) {
  return std::find(by_shape.begin(), by_shape.end(), metric) != by_shape.end();
}

Config Metric::config() const { return Config::object({{"name", name_}, {"dtype", name_of(floatx())}}); }

void register_metric(const std::string& name, Factory<Metric> make) { metric_registry().add(name, std::move(make)); }

std::shared_ptr<Metric> resolve(const MetricRef& ref, const Tensor& y_true, const Tensor& y_pred,
                                const std::string& owner) {
  if (ref.callable()) return detail::metric_of_function(ref.callable(), "metric");
  if (!ref.is_name()) return ref.object();
  if (detail::depends_on_labels(ref.name()) && (!y_true.defined() || !y_pred.defined()))
    throw Error(owner + ": the metric \"" + ref.name() + "\" needs y_true and y_pred to know what it means");
  const auto metric = metric_registry().make(concrete(ref.name(), y_true, y_pred), Config::object(), owner);
  metric->set_name(ref.name());
  return metric;
}

void check_metric_name(const std::string& name, const std::string& owner) {
  if (detail::depends_on_labels(name) || metric_registry().contains(name)) return;
  std::vector<std::string> names = by_shape;
  const std::vector<std::string> registered = metric_registry().names();
  names.insert(names.end(), registered.begin(), registered.end());
  throw Error(owner + ": no metric is named \"" + name + "\"" + detail::did_you_mean(name, names));
}

Config to_config(const MetricRef& metric) {
  if (metric.is_none()) return {};
  if (metric.is_name()) return metric.name();
  if (metric.callable()) return detail::function_config("<lambda>");
  if (Config given = metric.object()->written_as(); !given.is_null()) return given;
  return metric_registry().to_config(*metric.object(), metric.object()->class_name(), metric.object()->config());
}

MetricRef metric_from_config(const Config& config) {
  if (config.is_null()) return {};
  if (config.is_string() || detail::is_function_config(config)) {
    const std::string& name = config.is_string() ? config.as_string() : config.at("config").as_string();
    check_metric_name(name, "config");
    return name;
  }
  return metric_registry().from_config(config, "config");
}

}  // namespace nyala
