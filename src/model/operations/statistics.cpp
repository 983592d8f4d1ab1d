// What is made of other operations: sums past NaN, splits, small functions of numpy.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

Tensor number_like(double value, const Tensor& x) { return full_like(x, Tensor(value)); }

Tensor without_nan(const Tensor& x, double instead) { return where(isnan(x), number_like(instead, x), x); }

Tensor counted(const Tensor& x, const Axes& axes, bool keepdims) {
  return sum(cast(logical_not(isnan(x)), x.dtype()), axes, keepdims);
}

Tensor nan_mean(const Tensor& x, const Axes& axes, bool keepdims) {
  return sum(without_nan(x, 0.0), axes, keepdims) / counted(x, axes, keepdims);
}

Tensor nan_var(const Tensor& x, const Axes& axes, bool keepdims) {
  return nan_mean(square(x - nan_mean(x, axes, true)), axes, keepdims);
}

Tensor nan_sum(const Tensor& x, const Axes& axes, bool keepdims) { return sum(without_nan(x, 0.0), axes, keepdims); }
Tensor nan_prod(const Tensor& x, const Axes& axes, bool keepdims) { return prod(without_nan(x, 1.0), axes, keepdims); }
Tensor nan_std(const Tensor& x, const Axes& axes, bool keepdims) { return sqrt(nan_var(x, axes, keepdims)); }

Tensor nan_where_all(const Tensor& x, const Tensor& result, const Axes& axes, bool keepdims) {
  return where(all(isnan(x), axes, keepdims), number_like(std::nan(""), result), result);
}
Tensor nan_max(const Tensor& x, const Axes& axes, bool keepdims) {
  return nan_where_all(x, max(without_nan(x, -infinity), axes, keepdims), axes, keepdims);
}
Tensor nan_min(const Tensor& x, const Axes& axes, bool keepdims) {
  return nan_where_all(x, min(without_nan(x, infinity), axes, keepdims), axes, keepdims);
}

Tensor peak_to_peak(const Tensor& x, const Axes& axes, bool keepdims) {
  return max(x, axes, keepdims) - min(x, axes, keepdims);
}

int place_of_axis(int axis, int rank, const char* name) {
  const int place = axis < 0 ? axis + rank : axis;
  if (place < 0 || place >= rank) {
    throw Error(std::string(name) + ": axis " + std::to_string(axis) + " is not there in a tensor of rank " +
                std::to_string(rank));
  }
  return place;
}

/// Slices of equal length, the first ones longer by one where it does not divide, or cut at the given places.
Tensors splits(const Arguments& a, int axis) {
  const Tensor x = a.tensor(0);
  const Config& given = a.option("indices_or_sections");
  if (given.is_array()) return split(x, given.as_integers(), axis);
  const std::int64_t sections = given.as_integer();
  const std::int64_t size = x.shape()[static_cast<std::size_t>(place_of_axis(axis, x.rank(), "split"))];
  if (sections < 1 || sections > 100000) throw Error("split: sections must be positive, got " + given.json());
  std::vector<std::int64_t> cuts;
  for (std::int64_t i = 1; i < sections; ++i) cuts.push_back(i * (size / sections) + std::min(i, size % sections));
  return split(x, cuts, axis);
}

Tensor difference_along(Tensor x, int n, int axis) {
  if (n < 0 || n > 1000) throw Error("Diff: n must be from 0 to 1000, got " + std::to_string(n));
  const int at = place_of_axis(axis, x.rank(), "Diff");
  for (; n > 0; --n) {
    const std::int64_t size = x.shape()[static_cast<std::size_t>(at)];
    if (size == 0) break;  // nothing is left to subtract
    const Tensor next = cut_at(x, 1, at)[1], here = cut_at(x, size - 1, at)[0];
    x = x.dtype() == DType::boolean ? logical_xor(next, here) : next - here;
  }
  return x;
}

Tensors kron_of(const Arguments& a) {
  const Tensor x = a.tensor(0), y = a.tensor(1);
  if (x.rank() != y.rank()) throw Error("Kron: two tensors of one rank are expected");
  Shape left, right, result;
  for (std::size_t i = 0; i < x.shape().size(); ++i) {
    left.push_back(x.shape()[i]);
    left.push_back(1);
    right.push_back(1);
    right.push_back(y.shape()[i]);
    result.push_back(x.shape()[i] * y.shape()[i]);
  }
  return reshape(reshape(x, left) * reshape(y, right), result);
}

Tensors rot90_of(const Arguments& a) {
  const Tensor x = a.tensor(0);
  std::vector<int> axes = {0, 1};
  if (!a.option("axes").is_null()) axes = a.axes("axes").values();
  if (axes.size() != 2) throw Error("Rot90: axes must be two numbers");
  for (int& axis : axes) axis = place_of_axis(axis, x.rank(), "Rot90");
  const int turns = ((a.integer("k", 1) % 4) + 4) % 4;
  if (turns == 2) return flip(x, Axes(axes));
  if (turns == 0) return x;
  return turns == 1 ? swapaxes(flip(x, axes[1]), axes[0], axes[1]) : flip(swapaxes(x, axes[0], axes[1]), axes[1]);
}

Tensors select_of(const Arguments& a) {
  const std::vector<Tensor> conditions = a.tensors(0), choices = a.tensors(1);
  if (conditions.size() != choices.size() || conditions.empty())
    throw Error("Select: as many conditions as choices are expected");
  Tensor result = a.given(2) ? a.tensor(2) : Tensor(0);
  for (std::size_t i = conditions.size(); i-- > 0;) result = where(conditions[i], choices[i], result);
  return result;
}

Tensors trapezoid_of(const Arguments& a) {
  if (!a.option("x").is_null()) throw Error("Trapezoid: x is not supported");
  const Tensor y = a.tensor(0);
  const int axis = place_of_axis(a.integer("axis", -1), y.rank(), "Trapezoid");
  const std::int64_t size = y.shape()[static_cast<std::size_t>(axis)];
  if (size < 2) throw Error("Trapezoid: at least two values are needed");
  return sum(cut_at(y, 1, axis)[1] + cut_at(y, size - 1, axis)[0], axis) * Tensor(0.5 * a.number("dx", 1.0));
}

Tensors vander_of(const Arguments& a) {
  const Tensor x = a.tensor(0);
  if (x.rank() != 1) throw Error("Vander: a vector is expected, got " + x.shape().str());
  const std::int64_t columns = a.option("N").is_null() ? x.shape()[0] : a.option("N").as_integer();
  if (columns < 1 || columns > 1000000) throw Error("Vander: N must be positive, got " + std::to_string(columns));
  const Tensor powers = arange(0.0, static_cast<double>(columns), 1.0, x.dtype());
  return power(expand_dims(x, 1), a.flag("increasing", false) ? powers : flip(powers));
}

Tensors is_in_of(const Arguments& a) {
  const Tensor found = any(equal(expand_dims(a.tensor(0), -1), ravel(a.tensor(1))), -1);
  return a.flag("invert", false) ? logical_not(found) : found;
}

Tensors meshgrid_of(const Arguments& a) {
  const bool swapped = a.text("indexing", "xy") == "xy" && a.count() > 1;
  Shape all;
  std::vector<Tensor> axes;
  for (std::size_t i = 0; i < a.count(); ++i) axes.push_back(ravel(a.tensor(i)));
  const auto place = [&](std::size_t i) { return swapped && i < 2 ? 1 - i : i; };
  for (std::size_t i = 0; i < axes.size(); ++i) all.push_back(axes[place(i)].size());
  Tensors grids;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Shape own(std::vector<std::int64_t>(axes.size(), 1));
    own[place(i)] = axes[i].size();
    grids.push_back(broadcast_to(reshape(axes[i], own), all));
  }
  return grids;
}

Tensors append_of(const Arguments& a) {
  if (a.option("axis").is_null()) return concatenate({ravel(a.tensor(0)), ravel(a.tensor(1))}, 0);
  return concatenate({a.tensor(0), a.tensor(1)}, a.integer("axis", 0));
}

Tensors dstack_of(const Arguments& a) {
  std::vector<Tensor> parts = a.tensors(0);
  for (Tensor& part : parts) {
    if (part.rank() < 2) part = reshape(part, {1, part.size()});
    if (part.rank() < 3) part = expand_dims(part, -1);
  }
  return concatenate(parts, 2);
}

Tensors saturate_cast_of(const Arguments& a) {
  const DType dtype = dtype_option(a).value_or(floatx());
  const Tensor x = a.tensor(0);
  double low = 0.0, high = 0.0;
  switch (dtype) {
    case DType::uint8: low = 0.0, high = 255.0; break;
    case DType::int8: low = -128.0, high = 127.0; break;
    case DType::int32: low = -2147483648.0, high = 2147483520.0; break;
    default: return cast(x, dtype);
  }
  return cast(clip(x, cast(Tensor(low), x.dtype()), cast(Tensor(high), x.dtype())), dtype);
}

Tensors multi_hot_of(const Arguments& a) {
  const int classes = a.option("num_classes").as_int();
  const Tensor hot =
      one_hot(cast(a.tensor(0), DType::int32), classes, a.integer("axis", -1), dtype_option(a).value_or(floatx()));
  return max(hot, a.tensor(0).rank() <= 1 ? 0 : 1);
}

Tensors corrcoef_of(const Arguments& a) {
  const Tensor x = a.tensor(0);
  if (x.rank() != 2) throw Error("Corrcoef: rows of variables are expected, got " + x.shape().str());
  const Tensor centred = x - mean(x, 1, true);
  const Tensor covariance = matmul(centred, centred, false, true);
  const Tensor deviation = sqrt(diagonal(covariance));
  return covariance / (expand_dims(deviation, 1) * expand_dims(deviation, 0));
}

Tensor sinc(const Tensor& x) {
  const Tensor scaled = x * Tensor(std::numbers::pi), zero = equal(x, Tensor(0.0));
  return where(zero, ones_like(x), sin(scaled) / where(zero, ones_like(x), scaled));
}
Tensor cube_root(const Tensor& given) {
  const Tensor x = given.dtype() == DType::boolean ? cast(given, floatx()) : given;
  return sign(x) * power(abs(x), Tensor(1.0 / 3.0));
}
Tensor heaviside(const Tensor& given, const Tensor& at_zero_given) {
  const DType joint = (zeros_like(given) + zeros_like(at_zero_given)).dtype();
  const DType dtype = is_floating(joint) ? joint : joint == DType::int64 ? DType::float64 : floatx();
  const Tensor x = cast(given, dtype), at_zero = cast(at_zero_given, dtype);
  return where(equal(x, Tensor(0.0)), at_zero, cast(greater(x, Tensor(0.0)), x.dtype()));
}
Tensor larger_past_nan(const Tensor& x, const Tensor& y) {
  return where(isnan(x), y, where(isnan(y), x, maximum(x, y)));
}
Tensor smaller_past_nan(const Tensor& x, const Tensor& y) {
  return where(isnan(x), y, where(isnan(y), x, minimum(x, y)));
}
Tensor remainder_of_x(const Tensor& x, const Tensor& y) {
  if (is_floating(x.dtype()) || is_floating(y.dtype())) return x - trunc(x / y) * y;
  const Tensor a = cast(x, DType::float64), b = cast(y, DType::float64);
  return cast(a - trunc(a / b) * b, (zeros_like(x) + zeros_like(y)).dtype());
}
Tensor log2_of_sum(const Tensor& x, const Tensor& y) {
  constexpr double factor = std::numbers::ln2;
  const DType joint = result_type({x.dtype(), y.dtype()}), dtype = is_floating(joint) ? joint : floatx();
  return logaddexp(cast(x, dtype) * factor, cast(y, dtype) * factor) / factor;
}
Tensor scaled_by_power(const Tensor& x, const Tensor& exponent) { return x * exp2(cast(exponent, x.dtype())); }
Tensor distances(const Tensor& x, const Tensor& y) {
  return sqrt(sum(square(expand_dims(x, -2) - expand_dims(y, -3)), -1));
}
Tensor same(const Tensor& x) { return x; }
Tensor degrees(const Tensor& x) { return x * Tensor(180.0 / std::numbers::pi); }
Tensor radians(const Tensor& x) { return x * Tensor(std::numbers::pi / 180.0); }
Tensor erf_rest(const Tensor& x) { return Tensor(1.0) - erf(x); }
/// Of -0 too, which only its reciprocal tells from 0.
Tensor is_negative(const Tensor& x) {
  const Tensor below = less(x, Tensor(0.0));
  return is_floating(x.dtype()) ? logical_or(below, less(1.0 / x, Tensor(0.0))) : below;
}
Tensor is_plus_infinity(const Tensor& x) { return logical_and(isinf(x), greater(x, Tensor(0.0))); }
Tensor is_minus_infinity(const Tensor& x) { return logical_and(isinf(x), less(x, Tensor(0.0))); }
Tensor always(const Tensor& x) { return equal(ones_like(x), Tensor(1)); }
Tensor log_determinant(const Tensor& x) { return log(abs(det(x))); }

}  // namespace

std::vector<OperationEntry> statistics_operations() {
  constexpr auto each = ShapeRule::elementwise;
  constexpr auto identity = ShapeRule::probe_identity;
  return {
      {"Nansum", "numpy", "axis keepdims", "x", reduction<nan_sum>},
      {"Nanprod", "numpy", "axis keepdims", "x", reduction<nan_prod>},
      {"Nanmean", "numpy", "axis keepdims", "x", reduction<nan_mean>},
      {"Nanvar", "numpy", "axis keepdims", "x", reduction<nan_var>},
      {"Nanstd", "numpy", "axis keepdims", "x", reduction<nan_std>},
      {"Nanmax", "numpy", "axis keepdims", "x", reduction<nan_max>},
      {"Nanmin", "numpy", "axis keepdims", "x", reduction<nan_min>},
      {"Nancumsum", "numpy", "axis dtype", "x",
       [](const Arguments& a) -> Tensors { return cumsum(without_nan(a.tensor(0), 0.0), a.axis()); }},
      {"Nancumprod", "numpy", "axis dtype", "x",
       [](const Arguments& a) -> Tensors { return cumprod(without_nan(a.tensor(0), 1.0), a.axis()); }},
      {"Ptp", "numpy", "axis keepdims", "x", reduction<peak_to_peak>},
      {"Corrcoef", "numpy", "", "x", corrcoef_of},
      {"ArraySplit", "numpy", "indices_or_sections axis", "x",
       [](const Arguments& a) -> Tensors { return splits(a, a.integer("axis", 0)); }},
      {"Vsplit", "numpy", "indices_or_sections", "x", [](const Arguments& a) -> Tensors { return splits(a, 0); }},
      {"Hsplit", "numpy", "indices_or_sections", "x",
       [](const Arguments& a) -> Tensors { return splits(a, a.tensor(0).rank() > 1 ? 1 : 0); }},
      {"Dsplit", "numpy", "indices_or_sections", "x", [](const Arguments& a) -> Tensors { return splits(a, 2); }},
      {"Dstack", "numpy", "", "xs", dstack_of},
      {"Append", "numpy", "axis", "x1 x2", append_of},
      {"Diff", "numpy", "n axis", "a",
       [](const Arguments& a) -> Tensors {
         return difference_along(a.tensor(0), a.integer("n", 1), a.integer("axis", -1));
       }},
      {"Trapezoid", "numpy", "x dx axis", "y", trapezoid_of},
      {"Vander", "numpy", "N increasing", "x", vander_of},
      {"Kron", "numpy", "", "x1 x2", kron_of},
      {"Rot90", "numpy", "k axes", "array", rot90_of},
      {"Select", "numpy", "", "condlist choicelist default", select_of},
      {"IsIn", "numpy", "assume_unique invert", "x1 x2", is_in_of},
      {"Meshgrid", "numpy", "indexing", "", meshgrid_of},
      {"Diagflat", "numpy", "k", "x",
       [](const Arguments& a) -> Tensors { return diag(ravel(a.tensor(0)), a.integer("k", 0)); }},
      {"Digitize", "numpy", "", "x bins",
       [](const Arguments& a) -> Tensors {
         return cast(searchsorted(a.tensor(1), a.tensor(0), "right"), DType::int32);
       }},
      {"MultiHot", "nn", "num_classes axis dtype sparse", "inputs", multi_hot_of},
      {"SaturateCast", "core", "dtype", "x", saturate_cast_of, each},
      {"EmptyLike", "numpy", "dtype", "x", [](const Arguments& a) -> Tensors { return zeros_like(a.tensor(0)); }, each},
      {"Size", "numpy", "", "x",
       [](const Arguments& a) -> Tensors { return cast(Tensor(a.tensor(0).size()), DType::int32); }},
      {"Sinc", "numpy", "", "x", unary<sinc>, each},
      {"Cbrt", "numpy", "", "x", unary<cube_root>, each},
      {"Deg2rad", "numpy", "", "x", unary<radians>, each},
      {"Rad2deg", "numpy", "", "x", unary<degrees>, each},
      {"Erfc", "math", "", "x", unary<erf_rest>, each},
      {"Real", "numpy", "", "x", unary<same>, each},
      {"Imag", "numpy", "", "x", unary<zeros_like>, each},
      {"Conj", "numpy", "", "x", unary<same>, each},
      {"Conjugate", "numpy", "", "x", unary<same>, each},
      {"Isreal", "numpy", "", "x", unary<always>, each},
      {"Signbit", "numpy", "", "x", unary<is_negative>, each},
      {"Isposinf", "numpy", "", "x", unary<is_plus_infinity>, each},
      {"Isneginf", "numpy", "", "x", unary<is_minus_infinity>, each},
      {"Heaviside", "numpy", "", "x1 x2", binary<heaviside>, each},
      {"Fmax", "numpy", "", "x1 x2", binary<larger_past_nan>, each},
      {"Fmin", "numpy", "", "x1 x2", binary<smaller_past_nan>, each},
      {"Fmod", "numpy", "", "x1 x2", binary<remainder_of_x>, each},
      {"Logaddexp2", "numpy", "", "x1 x2", binary<log2_of_sum>, each},
      {"Ldexp", "numpy", "", "x1 x2", binary<scaled_by_power>, each},
      {"CDist", "math", "", "x y", binary<distances>},
      {"Logdet", "math", "", "x", unary<log_determinant>, identity},
      {"Slogdet", "numpy", "", "x",
       [](const Arguments& a) -> Tensors {
         const Tensor determinant = det(a.tensor(0));
         return {sign(determinant), log(abs(determinant))};
       },
       identity},
      {"SolveTriangular", "linalg", "lower", "a b",
       [](const Arguments& a) -> Tensors {
         const Tensor matrix = a.flag("lower", false) ? tril(a.tensor(0)) : triu(a.tensor(0)), right = a.tensor(1);
         if (right.rank() < matrix.rank()) return squeeze(solve(matrix, expand_dims(right, -1)), -1);
         return solve(matrix, right);
       },
       identity},
      {"CholeskyInverse", "linalg", "upper", "x",
       [](const Arguments& a) -> Tensors {
         const Tensor factor = a.tensor(0);
         const bool upper = a.flag("upper", false);
         return inv(matmul(factor, factor, upper, !upper));
       },
       identity},
  };
}

}  // namespace nyala::detail
