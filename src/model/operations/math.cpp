// Elementwise operations and linear algebra.
#include <algorithm>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

Tensors tensordot_of(const Arguments& a) {
  const Config& axes = a.option("axes");
  if (!axes.is_array()) return tensordot(a.tensor(0), a.tensor(1), a.integer("axes", 2));
  if (axes.size() != 2) throw Error("axes must be a number or two lists, got " + axes.json());
  std::vector<int> sides[2];
  for (std::size_t side = 0; side < 2; ++side) {
    for (const std::int64_t axis : axes[side].as_integers()) sides[side].push_back(Config(axis).as_int());
  }
  return tensordot(a.tensor(0), a.tensor(1), sides[0], sides[1]);
}

/// The sum of the singular values of the matrices in two axes.
Tensor nuclear_norm(const Arguments& a) {
  Tensor x = a.tensor(0);
  const int rank = x.rank();
  std::vector<int> axes = a.axes().values();
  if (axes.empty() && rank == 2) axes = {0, 1};
  if (axes.size() != 2) throw Error("ord \"nuc\" takes two axes, got " + a.option("axis").json());
  if (!is_floating(x.dtype())) x = cast(x, floatx());
  std::vector<std::int64_t> kept(x.shape().begin(), x.shape().end());
  for (int& axis : axes) {
    const int place = axis < 0 ? axis + rank : axis;
    if (place < 0 || place >= rank) throw Error("there is no axis " + std::to_string(axis));
    axis = place;
    kept[static_cast<std::size_t>(place)] = 1;
  }
  // The other axes keep their order when the later of the two goes to the end first.
  const int first = std::min(axes[0], axes[1]), second = std::max(axes[0], axes[1]);
  const Tensor values = sum(svd(moveaxis(moveaxis(x, second, -1), first, -2), false).s, -1);
  return a.flag("keepdims", false) ? reshape(values, Shape(kept)) : values;
}

Tensors norm_of(const Arguments& a) {
  const Config& ord = a.option("ord");
  std::optional<double> order;
  if (ord.is_number()) order = ord.as_double();
  if (ord == Config("nuc")) return nuclear_norm(a);
  if (ord.is_string() && ord.as_string() != "fro") throw Error("ord \"" + ord.as_string() + "\" is not known");
  return norm(a.tensor(0), order, a.axes(), a.flag("keepdims", false));
}

Tensors einsum_of(const Arguments& a) {
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < a.count(); ++i) operands.push_back(a.tensor(i));
  return einsum(a.option("subscripts").as_string(), operands);
}

Tensors cholesky_of(const Arguments& a) {
  const Tensor lower = cholesky(a.tensor(0));
  return a.flag("upper", false) ? swapaxes(lower, -1, -2) : lower;
}

/// NumPy's fabs, which makes floats of whole numbers.
Tensor magnitude(const Tensor& x) { return abs(is_floating(x.dtype()) ? x : cast(x, floatx())); }

}  // namespace

std::vector<OperationEntry> math_operations() {
  constexpr auto each = ShapeRule::elementwise;
  constexpr auto identity = ShapeRule::probe_identity;
  return {
      {"Absolute", "numpy", "", "x", unary<abs>, each},
      {"Abs", "numpy", "", "x", unary<abs>, each},
      {"Fabs", "numpy", "", "x", unary<magnitude>, each},
      {"Add", "numpy", "", "x1 x2", binary<add>, each},
      {"Subtract", "numpy", "", "x1 x2", binary<subtract>, each},
      {"Multiply", "numpy", "", "x1 x2", binary<multiply>, each},
      {"Divide", "numpy", "", "x1 x2", binary<divide>, each},
      {"TrueDivide", "numpy", "", "x1 x2", binary<divide>, each},
      {"DivideNoNan", "numpy", "", "x1 x2", binary<divide_no_nan>, each},
      {"FloorDivide", "numpy", "", "x1 x2", binary<floor_divide>, each},
      {"Mod", "numpy", "", "x1 x2", binary<mod>, each},
      {"Power", "numpy", "", "x1 x2", binary<power>, each},
      {"Maximum", "numpy", "", "x1 x2", binary<maximum>, each},
      {"Minimum", "numpy", "", "x1 x2", binary<minimum>, each},
      {"Arctan2", "numpy", "", "x1 x2", binary<arctan2>, each},
      {"Hypot", "numpy", "", "x1 x2", binary<hypot>, each},
      {"Logaddexp", "numpy", "", "x1 x2", binary<logaddexp>, each},
      {"Equal", "numpy", "", "x1 x2", binary<equal>, each},
      {"NotEqual", "numpy", "", "x1 x2", binary<not_equal>, each},
      {"Less", "numpy", "", "x1 x2", binary<less>, each},
      {"LessEqual", "numpy", "", "x1 x2", binary<less_equal>, each},
      {"Greater", "numpy", "", "x1 x2", binary<greater>, each},
      {"GreaterEqual", "numpy", "", "x1 x2", binary<greater_equal>, each},
      {"LogicalAnd", "numpy", "", "x1 x2", binary<logical_and>, each},
      {"LogicalOr", "numpy", "", "x1 x2", binary<logical_or>, each},
      {"LogicalXor", "numpy", "", "x1 x2", binary<logical_xor>, each},
      {"LogicalNot", "numpy", "", "x", unary<logical_not>, each},
      {"Isclose", "numpy", "equal_nan", "x1 x2 rtol atol",
       [](const Arguments& a) -> Tensors {
         return isclose(a.tensor(0), a.tensor(1), a.given(2) ? a.value(2).as_double() : 1e-5,
                        a.given(3) ? a.value(3).as_double() : 1e-8, a.flag("equal_nan", false));
       },
       each},
      {"Negative", "numpy", "", "x", unary<negative>, each},
      {"Sign", "numpy", "", "x", unary<sign>, each},
      {"Square", "numpy", "", "x", unary<square>, each},
      {"Sqrt", "numpy", "", "x", unary<sqrt>, each},
      {"Rsqrt", "math", "", "x", unary<rsqrt>, each},
      {"Reciprocal", "numpy", "", "x", unary<reciprocal>, each},
      {"Exp", "numpy", "", "x", unary<exp>, each},
      {"Exp2", "numpy", "", "x", unary<exp2>, each},
      {"Expm1", "numpy", "", "x", unary<expm1>, each},
      {"Log", "numpy", "", "x", unary<log>, each},
      {"Log1p", "numpy", "", "x", unary<log1p>, each},
      {"Log2", "numpy", "", "x", unary<log2>, each},
      {"Log10", "numpy", "", "x", unary<log10>, each},
      {"Erf", "math", "", "x", unary<erf>, each},
      {"Erfinv", "math", "", "x", unary<erfinv>, each},
      {"Sin", "numpy", "", "x", unary<sin>, each},
      {"Cos", "numpy", "", "x", unary<cos>, each},
      {"Tan", "numpy", "", "x", unary<tan>, each},
      {"Arcsin", "numpy", "", "x", unary<arcsin>, each},
      {"Arccos", "numpy", "", "x", unary<arccos>, each},
      {"Arctan", "numpy", "", "x", unary<arctan>, each},
      {"Sinh", "numpy", "", "x", unary<sinh>, each},
      {"Cosh", "numpy", "", "x", unary<cosh>, each},
      {"Tanh", "numpy", "", "x", unary<tanh>, each},
      {"Arcsinh", "numpy", "", "x", unary<arcsinh>, each},
      {"Arccosh", "numpy", "", "x", unary<arccosh>, each},
      {"Arctanh", "numpy", "", "x", unary<arctanh>, each},
      {"Floor", "numpy", "", "x", unary<floor>, each},
      {"Ceil", "numpy", "", "x", unary<ceil>, each},
      {"Trunc", "numpy", "", "x", unary<trunc>, each},
      {"Round", "numpy", "decimals", "x",
       [](const Arguments& a) -> Tensors { return round(a.tensor(0), a.integer("decimals", 0)); }, each},
      {"Isnan", "numpy", "", "x", unary<isnan>, each},
      {"Isinf", "numpy", "", "x", unary<isinf>, each},
      {"Isfinite", "numpy", "", "x", unary<isfinite>, each},
      {"Clip", "numpy", "x_min x_max", "x",
       [](const Arguments& a) -> Tensors {
         return clip(a.tensor(0), a.as_tensor(a.option("x_min")), a.as_tensor(a.option("x_max")));
       },
       each},
      {"NanToNum", "numpy", "nan posinf neginf", "x",
       [](const Arguments& a) -> Tensors {
         Tensor x = a.tensor(0);
         const auto replace = [&](const char* key, bool negative) {
           if (a.option(key).is_null()) return;
           const Tensor here = logical_and(isinf(x), negative ? less(x, 0) : greater(x, 0));
           x = where(here, full_like(x, a.option(key).as_double()), x);
         };
         replace("posinf", false);
         replace("neginf", true);
         return nan_to_num(x, a.number("nan", 0.0));
       },
       each},
      {"Where", "numpy", "", "condition x1 x2",
       [](const Arguments& a) -> Tensors {
         if (!a.given(1) || !a.given(2))
           throw Error("Where: without x1 and x2 the result's shape depends on the values, which no graph can hold");
         return where(a.tensor(0), a.tensor(1), a.tensor(2));
       },
       each},
      {"Cast", "core", "dtype", "x",
       [](const Arguments& a) -> Tensors { return cast(a.tensor(0), dtype_option(a).value_or(floatx())); }, each},
      {"ConvertToTensor", "core", "dtype sparse ragged", "x",
       [](const Arguments& a) -> Tensors {
         const auto dtype = dtype_option(a);
         return dtype ? cast(a.tensor(0), *dtype) : a.tensor(0);
       },
       each},
      {"Copy", "numpy", "", "x", [](const Arguments& a) -> Tensors { return a.tensor(0); }, each},
      {"StopGradient", "core", "", "variable", unary<stop_gradient>, each},

      {"Matmul", "numpy", "", "x1 x2", [](const Arguments& a) -> Tensors { return matmul(a.tensor(0), a.tensor(1)); }},
      {"Dot", "numpy", "", "x1 x2", binary<dot>},
      {"Outer", "numpy", "", "x1 x2", binary<outer>},
      {"Vdot", "numpy", "", "x1 x2", binary<vdot>},
      {"Inner", "numpy", "", "x1 x2", binary<inner>},
      {"Tensordot", "numpy", "axes", "x1 x2", tensordot_of},
      {"Einsum", "numpy", "subscripts", "", einsum_of},
      {"Trace", "numpy", "offset axis1 axis2", "x",
       [](const Arguments& a) -> Tensors {
         return trace(a.tensor(0), a.integer("offset", 0), a.integer("axis1", 0), a.integer("axis2", 1));
       }},
      {"Norm", "linalg", "ord axis keepdims", "x", norm_of},
      {"Qr", "linalg", "mode", "x",
       [](const Arguments& a) -> Tensors {
         const QR result = qr(a.tensor(0), a.text("mode", "reduced"));
         return {result.q, result.r};
       },
       identity},
      {"SVD", "linalg", "full_matrices compute_uv", "x",
       [](const Arguments& a) -> Tensors {
         const SVD result = svd(a.tensor(0), a.flag("full_matrices", true));
         if (!a.flag("compute_uv", true)) return result.s;
         return {result.u, result.s, result.vh};
       },
       identity},
      {"Cholesky", "linalg", "upper", "x", cholesky_of, identity},
      {"Inv", "linalg", "", "x", unary<inv>, identity},
      {"Det", "linalg", "", "x", unary<det>, identity},
      {"Solve", "linalg", "", "a b", binary<solve>, identity},
  };
}

}  // namespace nyala::detail
