// Quantiles, with and without NaN.
#include <algorithm>
#include <cmath>
#include <limits>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

Tensor floating(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, floatx()); }
bool keeps(const Arguments& a) { return a.flag("keepdims", false); }

Tensor filled(const Tensor& x, double value) { return where(isnan(x), full_like(x, value), x); }

/// -1 where all is NaN.
template <Tensor (*function)(const Tensor&, std::optional<int>, bool)>
Tensors place_past_nan(const Arguments& a, double least) {
  const Tensor x = a.tensor(0), place = function(filled(x, least), a.axis(), keeps(a));
  const Tensor nothing = all(isnan(x), a.axis() ? Axes(*a.axis()) : Axes(), keeps(a));
  return where(nothing, full_like(place, -1), place);
}

/// The place of a quantile among `size` sorted values.
struct Place {
  std::int64_t below = 0, above = 0;
  double part = 0.0;
};
Place place_of(double quantile, std::int64_t size, const std::string& method) {
  const double exact = quantile * static_cast<double>(size - 1);
  const double low = std::floor(exact), high = std::ceil(exact);
  const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
  if (method == "lower") return {whole(low), whole(low), 0.0};
  if (method == "higher") return {whole(high), whole(high), 0.0};
  if (method == "midpoint") return {whole(low), whole(high), low == high ? 0.0 : 0.5};
  if (method == "nearest") {
    const std::int64_t near = whole(exact - low <= 0.5 ? low : high);
    return {near, near, 0.0};
  }
  if (method != "linear") throw Error("the method \"" + method.substr(0, 40) + "\" is not known");
  return {whole(low), whole(high), exact - low};
}

/// The same where every row has its own number of values.
struct Places {
  Tensor below, above, part;
};
Places places_of(double quantile, const Tensor& count, const std::string& method) {
  place_of(quantile, 1, method);  // refuses what is no method
  const Tensor exact = maximum(count - 1.0, 0.0) * quantile, low = floor(exact), high = ceil(exact);
  const Tensor zero = zeros_like(exact);
  if (method == "lower") return {low, low, zero};
  if (method == "higher") return {high, high, zero};
  if (method == "midpoint") return {low, high, where(equal(low, high), zero, full_like(zero, 0.5))};
  if (method == "nearest") {
    const Tensor near = where(less_equal(exact - low, 0.5), low, high);
    return {near, near, zero};
  }
  return {low, high, exact - low};
}

/// The quantiles `q` in [0, 1] over the axes; one more axis in front for a list of them.
Tensors quantiles(const Arguments& a, const Tensor& q, bool skip_nan, const std::string& method) {
  Tensor x = floating(a.tensor(0));
  const int rank = x.rank();
  std::vector<int> reduced;
  if (a.option("axis").is_null()) {
    for (int i = 0; i < rank; ++i) reduced.push_back(i);
  } else {
    const Axes axes = a.axes();
    for (const int axis : axes.values()) {
      if (axis < -rank || axis >= rank) throw Error("there is no axis " + std::to_string(axis));
      reduced.push_back(axis < 0 ? axis + rank : axis);
    }
  }
  std::vector<int> order;
  Shape kept, shape;
  std::int64_t size = 1;
  for (int i = 0; i < rank; ++i) {
    const bool here = std::find(reduced.begin(), reduced.end(), i) != reduced.end();
    if (!here) {
      order.push_back(i);
      kept.push_back(x.shape()[static_cast<std::size_t>(i)]);
    }
    shape.push_back(here ? 1 : x.shape()[static_cast<std::size_t>(i)]);
    if (here) size *= x.shape()[static_cast<std::size_t>(i)];
  }
  if (size == 0) throw Error("there is no quantile of no values");
  Shape rows = kept;
  rows.push_back(size);
  const Shape result = keeps(a) ? shape : kept;
  order.insert(order.end(), reduced.begin(), reduced.end());
  x = reshape(transpose(x, order), rows);
  const Tensor missing = isnan(x);
  const Tensor sorted = sort(where(missing, full_like(x, infinity), x), -1);
  const Tensor nan = full_like(sum(x, -1), std::numeric_limits<double>::quiet_NaN());
  std::vector<Tensor> parts;
  for (const double quantile : cast(q, DType::float64).to_vector<double>()) {
    if (!(quantile >= 0.0 && quantile <= 1.0)) throw Error("a quantile must lie in [0, 1]");
    const auto at = [&](std::int64_t index) {
      return squeeze(take(sorted, nyala::tensor(std::vector<std::int64_t>{index}, {1}), -1), -1);
    };
    Tensor value;
    if (skip_nan) {
      const Tensor count = sum(cast(logical_not(missing), x.dtype()), -1);
      const Places places = places_of(quantile, count, method);
      const auto pick = [&](const Tensor& index) {
        return squeeze(take_along_axis(sorted, expand_dims(cast(index, DType::int32), -1), -1), -1);
      };
      const Tensor below = pick(places.below), above = pick(places.above);
      // Without a part, one of the two may be what stands for NaN.
      const Tensor between = where(equal(places.part, 0.0), below, below + (above - below) * places.part);
      value = where(equal(count, 0.0), nan, between);
    } else {
      const Place place = place_of(quantile, size, method);
      value = at(place.below);
      if (place.part != 0.0) value = value + (at(place.above) - value) * place.part;
      value = where(any(missing, -1), nan, value);
    }
    parts.push_back(reshape(value, result));
  }
  if (q.rank() == 0) return parts.at(0);
  if (q.rank() != 1) throw Error("quantiles must be a number or a list of numbers");
  return stack(parts, 0);
}

}  // namespace

std::vector<OperationEntry> order_operations() {
  return {
      {"Nanargmax", "numpy", "axis keepdims", "x",
       [](const Arguments& a) { return place_past_nan<argmax>(a, -infinity); }},
      {"Nanargmin", "numpy", "axis keepdims", "x",
       [](const Arguments& a) { return place_past_nan<argmin>(a, infinity); }},
      {"Median", "numpy", "axis keepdims", "x",
       [](const Arguments& a) { return quantiles(a, Tensor(0.5), false, "linear"); }},
      {"Nanmedian", "numpy", "axis keepdims", "x",
       [](const Arguments& a) { return quantiles(a, Tensor(0.5), true, "linear"); }},
      // In a graph Keras goes by the straight line here, whatever the method.
      {"Quantile", "numpy", "axis method keepdims", "x q",
       [](const Arguments& a) { return quantiles(a, a.tensor(1), false, "linear"); }},
      {"Nanquantile", "numpy", "axis method keepdims", "x q",
       [](const Arguments& a) { return quantiles(a, a.tensor(1), true, a.text("method", "linear")); }},
      {"Percentile", "numpy", "axis method keepdims", "x q",
       [](const Arguments& a) {
         return quantiles(a, cast(a.tensor(1), DType::float64) / 100.0, false, a.text("method", "linear"));
       }},
      {"Nanpercentile", "numpy", "axis method keepdims", "x q",
       [](const Arguments& a) {
         return quantiles(a, cast(a.tensor(1), DType::float64) / 100.0, true, a.text("method", "linear"));
       }},
  };
}

}  // namespace nyala::detail
