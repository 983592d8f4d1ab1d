#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

/// max and min take an `initial` value that counts as one more element.
template <Tensor (*function)(const Tensor&, const Axes&, bool), Tensor (*join)(const Tensor&, const Tensor&)>
Tensors extreme(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const bool keepdims = a.flag("keepdims", false);
  const Config& initial = a.option("initial");
  // Of nothing, `initial` is the extreme.
  if (!initial.is_null() && x.size() == 0)
    return full_like(sum(x, a.axes(), keepdims), a.as_tensor(initial).item<double>());
  const Tensor extreme = function(x, a.axes(), keepdims);
  const Tensor result = initial.is_null() ? extreme : join(extreme, a.as_tensor(initial));
  return x.dtype() == DType::boolean ? cast(result, DType::boolean) : result;
}

template <Tensor (*function)(const Tensor&, std::optional<int>, bool)>
Tensors position(const Arguments& a) {
  return function(a.tensor(0), a.axis(), a.flag("keepdims", false));
}

template <Tensor (*function)(const Tensor&, std::optional<int>)>
Tensors cumulative(const Arguments& a) {
  const auto dtype = dtype_option(a);
  const Tensor x = a.tensor(0);
  return function(dtype ? cast(x, *dtype) : x, a.axis());
}

Tensors product(const Arguments& a) {
  const auto dtype = dtype_option(a);
  const Tensor x = a.tensor(0);
  return prod(dtype ? cast(x, *dtype) : x, a.axes(), a.flag("keepdims", false));
}

Tensors average(const Arguments& a) {
  const Tensor x = a.tensor(0);
  if (!a.given(1)) return mean(x, a.axes());
  const Axes axes = a.axes();
  Tensor weights = a.tensor(1);
  if (weights.rank() == 1 && x.rank() > 1 && !axes.all() && axes.values().size() == 1) {
    const int axis = axes.values().front();
    for (int i = (axis < 0 ? axis + x.rank() : axis) + 1; i < x.rank(); ++i) weights = expand_dims(weights, -1);
  }
  return sum(x * weights, axes) / sum(broadcast_to(weights, x.shape()), axes);
}

}  // namespace

std::vector<OperationEntry> reduction_operations() {
  return {
      {"Sum", "numpy", "axis keepdims", "x", reduction<sum>},
      {"Mean", "numpy", "axis keepdims", "x", reduction<mean>},
      {"Prod", "numpy", "axis keepdims dtype", "x", product},
      {"Max", "numpy", "axis keepdims initial", "x", extreme<max, maximum>},
      {"Amax", "numpy", "axis keepdims", "x", reduction<max>},
      {"Min", "numpy", "axis keepdims initial", "x", extreme<min, minimum>},
      {"Amin", "numpy", "axis keepdims", "x", reduction<min>},
      {"Var", "numpy", "axis keepdims", "x", reduction<var>},
      {"Std", "numpy", "axis keepdims", "x", reduction<nyala::std>},
      {"Any", "numpy", "axis keepdims", "x", reduction<any>},
      {"All", "numpy", "axis keepdims", "x", reduction<all>},
      {"Logsumexp", "math", "axis keepdims", "x", reduction<logsumexp>},
      {"CountNonzero", "numpy", "axis", "x",
       [](const Arguments& a) -> Tensors { return count_nonzero(a.tensor(0), a.axes()); }},
      {"Average", "numpy", "axis", "x weights", average},
      {"Moments", "nn", "axes keepdims synchronized", "x",
       [](const Arguments& a) -> Tensors {
         const Moments result = moments(a.tensor(0), a.axes("axes"), a.flag("keepdims", false));
         if (result.mean.dtype() != DType::float16) return {result.mean, result.variance};
         const auto in_range = [](const Tensor& x) { return clip(x, Tensor(-65504.0), Tensor(65504.0)); };
         return {in_range(result.mean), in_range(result.variance)};
       }},
      {"Argmax", "numpy", "axis keepdims", "x", position<argmax>},
      {"Argmin", "numpy", "axis keepdims", "x", position<argmin>},
      {"Cumsum", "numpy", "axis dtype", "x", cumulative<cumsum>},
      {"Cumprod", "numpy", "axis dtype", "x", cumulative<cumprod>},
      {"Sort", "numpy", "axis", "x",
       [](const Arguments& a) -> Tensors {
         if (a.none("axis")) return sort(ravel(a.tensor(0)), -1);
         return sort(a.tensor(0), a.integer("axis", -1));
       }},
      {"Argsort", "numpy", "axis", "x",
       [](const Arguments& a) -> Tensors {
         if (a.none("axis")) return argsort(ravel(a.tensor(0)), -1);
         return argsort(a.tensor(0), a.integer("axis", -1));
       }},
      {"Argpartition", "numpy", "kth axis", "x",
       [](const Arguments& a) -> Tensors {
         if (a.none("axis")) return argsort(ravel(a.tensor(0)), -1);
         return argsort(a.tensor(0), a.integer("axis", -1));
       }},
      {"TopK", "math", "k sorted", "x",
       [](const Arguments& a) -> Tensors {
         const TopK result = top_k(a.tensor(0), a.option("k").as_integer(), a.flag("sorted", true));
         return {result.values, result.indices};
       }},
      {"InTopK", "math", "k", "targets predictions",
       [](const Arguments& a) -> Tensors { return in_top_k(a.tensor(0), a.tensor(1), a.option("k").as_integer()); }},
      {"SegmentSum", "math", "num_segments sorted", "data segment_ids",
       [](const Arguments& a) -> Tensors { return in_segments<segment_sum>(a.tensor(0), a); }},
      {"SegmentMax", "math", "num_segments sorted", "data segment_ids",
       [](const Arguments& a) -> Tensors { return in_segments<segment_max>(a.tensor(0), a); }},
  };
}

}  // namespace nyala::detail
