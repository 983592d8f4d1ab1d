#include <algorithm>
#include <cmath>
#include <numeric>

#include <nyala/error.hpp>
#include <nyala/layers/categories.hpp>

#include "category_support.hpp"

namespace nyala {

namespace {

/// Values in ascending order and how many each stands for: what adapt() remembers of the data.
struct Summary {
  std::vector<double> values, weights;
};

double rounded(double x) { return static_cast<double>(static_cast<float>(x)); }

/// y of a broken line at x, constant beyond its ends.
double interpolated(double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  if (x <= xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  const auto i = static_cast<std::size_t>(std::upper_bound(xs.begin(), xs.end(), x) - xs.begin());
  return ys[i - 1] + (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1]) * (x - xs[i - 1]);
}

Summary compressed(const Summary& given, double epsilon) {
  if (static_cast<double>(given.values.size()) * epsilon < 1.0) return given;
  std::vector<double> sums = given.weights, parts;
  for (std::size_t i = 1; i < sums.size(); ++i) sums[i] = rounded(sums[i] + sums[i - 1]);
  for (const double sum : sums) parts.push_back(rounded(sum / sums.back()));
  Summary result;
  double before = 0.0;
  const auto count = static_cast<std::int64_t>(std::ceil(1.0 / epsilon));
  for (std::int64_t i = 0; i < count; ++i) {
    const double part = epsilon + static_cast<double>(i) * epsilon;
    const double sum = interpolated(part, parts, sums);
    result.values.push_back(rounded(interpolated(part, parts, given.values)));
    result.weights.push_back(rounded(sum - before));
    before = sum;
  }
  return result;
}

Summary summarized(const Tensor& data, double epsilon) {
  std::vector<float> values = cast(data, DType::float32).to_vector<float>();
  std::sort(values.begin(), values.end());
  const double step = std::max(static_cast<double>(values.size()) * epsilon, 1.0);
  Summary summary;
  for (auto i = static_cast<std::size_t>(step - 1.0); i < values.size(); i += static_cast<std::size_t>(step)) {
    summary.values.push_back(static_cast<double>(values[i]));
    summary.weights.push_back(rounded(step));
  }
  return summary;
}

Summary merged(const Summary& a, const Summary& b, double epsilon) {
  std::vector<std::pair<double, double>> all;
  for (const Summary* each : {&a, &b}) {
    for (std::size_t i = 0; i < each->values.size(); ++i) all.emplace_back(each->values[i], each->weights[i]);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  Summary result;
  for (const auto& [value, weight] : all) {
    result.values.push_back(value);
    result.weights.push_back(weight);
  }
  return compressed(result, epsilon);
}

}  // namespace

Discretization::Discretization(DiscretizationOptions options) : LayerOf(options), options_(std::move(options)) {
  options_.output_mode =
      category::output_mode(options_.output_mode, {"int", "one_hot", "multi_hot", "count"}, "Discretization");
  if (!options_.bin_boundaries && !options_.num_bins) {
    throw Error("Discretization: bin_boundaries or num_bins must be given");
  }
  if (options_.num_bins && *options_.num_bins < 1) {
    throw Error("Discretization: num_bins must be positive, got " + std::to_string(*options_.num_bins));
  }
  if (!(options_.epsilon > 0.0)) {
    throw Error("Discretization: epsilon must be positive, got " + Config(options_.epsilon).json());
  }
  if (options_.bin_boundaries && !std::is_sorted(options_.bin_boundaries->begin(), options_.bin_boundaries->end())) {
    throw Error("Discretization: bin_boundaries must ascend, got " + Config(options_.bin_boundaries).json());
  }
}

Discretization Discretization::from_config(const Config& config) {
  DiscretizationOptions options{.num_bins = config.optional_int("num_bins"),
                                .epsilon = config.get("epsilon", 0.01),
                                .output_mode = config.get("output_mode", "int"),
                                .sparse = config.get("sparse", false)};
  if (!config.get("bin_boundaries").is_null()) {
    options.bin_boundaries.emplace();
    for (const Config& boundary : config.at("bin_boundaries").items()) {
      options.bin_boundaries->push_back(boundary.as_double());
    }
  }
  return Discretization(with_base(std::move(options), config));
}

void Discretization::adapt(const Tensor& data) { learn({data}); }

void Discretization::adapt(const Dataset& data) {
  std::vector<Tensor> batches;
  const auto iterator = data.iterator();
  for (Batch batch; iterator->next(batch);) batches.push_back(batch.x.only());
  learn(batches);
}

void Discretization::learn(const std::vector<Tensor>& batches) {
  if (!options_.num_bins) throw Error(label() + ": bin_boundaries were given, there is nothing to adapt");
  Summary summary;
  for (const Tensor& batch : batches) {
    if (batch.size() > 0) summary = merged(summarized(batch, options_.epsilon), summary, options_.epsilon);
  }
  if (summary.values.empty()) throw Error(label() + ": adapt needs data, got none");
  summary = compressed(summary, 1.0 / static_cast<double>(*options_.num_bins));
  summary.values.pop_back();
  options_.bin_boundaries = summary.values;
}

Tensor Discretization::forward(const Tensor& x, bool) {
  if (!options_.bin_boundaries) throw Error(label() + ": it needs bin_boundaries, or adapt() before it is called");
  const std::vector<double>& boundaries = *options_.bin_boundaries;
  const Tensor values = is_floating(x.dtype()) ? x : cast(x, floatx());
  const Tensor sorted = cast(tensor(boundaries), values.dtype()).to(x.device());
  const Tensor bins =
      boundaries.empty() ? zeros(x.shape(), DType::int32) : searchsorted(sorted, ravel(values), "right");
  return category::encoded(reshape(bins, x.shape()), options_.output_mode,
                           static_cast<std::int64_t>(boundaries.size()) + 1, compute_output_dtype({x.dtype()}));
}

Shape Discretization::compute_output_shape(const Shape& input) const {
  std::int64_t depth = options_.num_bins ? *options_.num_bins : 0;
  if (options_.bin_boundaries) depth = static_cast<std::int64_t>(options_.bin_boundaries->size()) + 1;
  return category::encoded_shape(input, options_.output_mode, depth);
}

DType Discretization::compute_output_dtype(const std::vector<DType>&) const {
  return options_.output_mode == "int" ? DType::int32 : compute_dtype();
}

Config Discretization::config() const {
  Config config = Config::object();
  config["bin_boundaries"] = options_.bin_boundaries;
  config["num_bins"] = options_.num_bins;
  config["epsilon"] = options_.epsilon;
  config["output_mode"] = options_.output_mode;
  config["sparse"] = options_.sparse;
  config["name"] = name();
  config["dtype"] = name_of(variable_dtype());
  return config;
}

}  // namespace nyala
