// What is rare in graphs: whole numbers' bits, sequences between tensors, windows, pseudo-inverses, patterns of axes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

Tensor angle(const Tensor& x) {
  const Tensor wide = is_floating(x.dtype()) ? x : cast(x, floatx());
  return where(less(wide, 0.0), full_like(wide, std::numbers::pi), zeros_like(wide));
}

/// On the host, element by element: whole numbers have no gradients.
Tensor whole_numbers(const Arguments& a, std::int64_t (*function)(std::int64_t, std::int64_t)) {
  const Tensor x1 = a.tensor(0), x2 = a.tensor(1);
  const DType dtype = result_type({x1.dtype(), x2.dtype()});
  if (is_floating(dtype)) throw Error(std::string("whole numbers were expected, got ") + name_of(dtype));
  const Shape shape = (zeros_like(cast(x1, DType::int64)) + cast(x2, DType::int64)).shape();
  const auto left = broadcast_to(cast(x1, DType::int64), shape).to_vector<std::int64_t>();
  const auto right = broadcast_to(cast(x2, DType::int64), shape).to_vector<std::int64_t>();
  std::vector<std::int64_t> result(left.size());
  for (std::size_t i = 0; i < left.size(); ++i) result[i] = function(left[i], right[i]);
  return cast(nyala::tensor(result, shape), dtype);
}

using Whole = std::int64_t;
Whole bit_and(Whole a, Whole b) { return a & b; }
Whole bit_or(Whole a, Whole b) { return a | b; }
Whole bit_xor(Whole a, Whole b) { return a ^ b; }
Whole shift_left(Whole a, Whole b) {
  return b < 0 || b > 63 ? 0 : std::bit_cast<Whole>(std::bit_cast<std::uint64_t>(a) << b);
}
Whole shift_right(Whole a, Whole b) { return b < 0 || b > 63 ? (a < 0 ? -1 : 0) : a >> b; }
Whole greatest_divisor(Whole a, Whole b) { return std::gcd(a, b); }
Whole least_multiple(Whole a, Whole b) { return std::lcm(a, b); }

template <Whole (*function)(Whole, Whole)>
Tensors whole(const Arguments& a) {
  return whole_numbers(a, function);
}

Tensor bit_not(const Tensor& x) {
  if (x.dtype() == DType::boolean) return logical_not(x);
  return cast(-1 - cast(x, DType::int64), x.dtype());
}

std::size_t place(int axis, int rank) {
  const int first = axis < 0 ? axis + rank : axis;
  if (first < 0 || first >= rank) throw Error("there is no axis " + std::to_string(axis));
  return static_cast<std::size_t>(first);
}

/// Elements from … to - 1 along an axis, every `step`th.
Tensor cut(const Tensor& x, int axis, std::int64_t from, std::optional<std::int64_t> to, std::int64_t step = 1) {
  std::vector<Index> indices(place(axis, x.rank()), Slice{{}, {}, {}});
  indices.push_back(Slice{from, to, step});
  return index(x, indices);
}

Tensors cross(const Arguments& a) {
  const Config& all = a.option("axis");
  const auto axis = [&](const char* key) { return all.is_null() ? a.integer(key, -1) : all.as_int(); };
  const Tensor x = moveaxis(a.tensor(0), axis("axisa"), -1), y = moveaxis(a.tensor(1), axis("axisb"), -1);
  const auto part = [](const Tensor& t, int i) {
    if (i < t.shape().back()) return index(t, {ellipsis, std::int64_t{i}});
    return zeros_like(index(t, {ellipsis, std::int64_t{0}}));
  };
  for (const Tensor& t : {x, y}) {
    if (t.shape().back() != 2 && t.shape().back() != 3) throw Error("Cross: vectors of 2 or 3 are needed");
  }
  const Tensor third = part(x, 0) * part(y, 1) - part(x, 1) * part(y, 0);
  if (x.shape().back() == 2 && y.shape().back() == 2) return third;
  const Tensor first = part(x, 1) * part(y, 2) - part(x, 2) * part(y, 1);
  const Tensor second = part(x, 2) * part(y, 0) - part(x, 0) * part(y, 2);
  return moveaxis(stack({first, second, third}, -1), -1, axis("axisc"));
}

/// `num` values from start to stop, along a new axis.
Tensor between(const Arguments& a, const Tensor& start, const Tensor& stop) {
  const std::int64_t num = a.integer("num", 50);
  if (num < 0) throw Error("num must not be negative, got " + std::to_string(num));
  const double steps = static_cast<double>(std::max<std::int64_t>(a.flag("endpoint", true) ? num - 1 : num, 1));
  const DType dtype = result_type({start.dtype(), stop.dtype(), floatx()});
  if (num == 0) {
    Shape none = (start + stop).shape();
    const int axis = a.integer("axis", 0);
    none.insert(static_cast<std::size_t>(axis < 0 ? axis + none.rank() + 1 : axis), 0);
    return zeros(none, dtype);
  }
  std::vector<Tensor> values;
  for (std::int64_t i = 0; i < num; ++i)
    values.push_back(cast(start, dtype) + cast(stop - start, dtype) * (static_cast<double>(i) / steps));
  return stack(values, a.integer("axis", 0));
}
Tensor of_dtype(const Arguments& a, const Tensor& x) {
  const auto dtype = dtype_option(a);
  return dtype ? cast(x, *dtype) : x;
}

Tensors unravel_index(const Arguments& a) {
  Tensor rest = a.tensor(0);
  std::vector<std::int64_t> sizes = a.sizes("shape");
  std::vector<Tensor> places;
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size) {
    places.push_back(mod(rest, *size));
    rest = floor_divide(rest, *size);
  }
  Tensors result;
  for (auto one = places.rbegin(); one != places.rend(); ++one) result.push_back(*one);
  return result;
}

Tensors correlate(const Arguments& a) {
  Tensor x = a.tensor(0), y = a.tensor(1);
  const DType joint = result_type({x.dtype(), y.dtype()});
  const DType dtype = is_floating(joint) ? joint : floatx();
  x = cast(x, dtype);
  y = cast(y, dtype);
  const std::string mode = a.text("mode", "valid");
  const bool swapped = y.size() > x.size();
  if (swapped) std::swap(x, y);
  const std::int64_t n = y.size();
  std::int64_t before = 0, after = 0;
  if (mode == "full") before = after = n - 1;
  if (mode == "same") {
    before = n / 2;
    after = n - 1 - before;
  }
  const Tensor padded = pad(x, {Padding{before, after}});
  Tensor result;
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensor part = cut(padded, 0, i, padded.size() - n + 1 + i) * index(y, {i});
    result = result.defined() ? result + part : part;
  }
  return swapped ? flip(result, 0) : result;
}

/// Windows of (batch, channels, height, width): (batch, channels · window, windows).
Tensors unfold(const Arguments& a) {
  const auto pair = [&](const char* key, std::int64_t otherwise) {
    const Config& value = a.option(key);
    const std::vector<std::int64_t> sizes =
        value.is_null() ? std::vector<std::int64_t>{otherwise} : value.as_integers();
    if (sizes.empty() || sizes.size() > 2) throw Error(std::string("Unfold: ") + key + " must be one or two numbers");
    return std::pair<std::int64_t, std::int64_t>(sizes.front(), sizes.back());
  };
  const auto [kh, kw] = pair("kernel_size", 1);
  const auto [dh, dw] = pair("dilation", 1);
  const auto [ph, pw] = pair("padding", 0);
  const auto [sh, sw] = pair("stride", 1);
  if (kh < 1 || kw < 1 || dh < 1 || dw < 1 || sh < 1 || sw < 1 || ph < 0 || pw < 0)
    throw Error("Unfold: sizes must be positive");
  const Tensor x = pad(a.tensor(0), {Padding{}, Padding{}, Padding{ph, ph}, Padding{pw, pw}});
  const std::int64_t rows = (x.shape()[2] - dh * (kh - 1) - 1) / sh + 1;
  const std::int64_t columns = (x.shape()[3] - dw * (kw - 1) - 1) / sw + 1;
  std::vector<Tensor> windows;
  for (std::int64_t i = 0; i < kh; ++i) {
    for (std::int64_t j = 0; j < kw; ++j) {
      const Tensor part =
          cut(cut(x, 2, i * dh, i * dh + (rows - 1) * sh + 1, sh), 3, j * dw, j * dw + (columns - 1) * sw + 1, sw);
      windows.push_back(reshape(part, {x.shape()[0], x.shape()[1], rows * columns}));
    }
  }
  return reshape(stack(windows, 2), {x.shape()[0], x.shape()[1] * kh * kw, rows * columns});
}

template <Tensor (*function)(const Tensor&, const Axes&, bool)>
Tensors adaptive_pool(const Arguments& a) {
  Tensor x = a.tensor(0);
  std::vector<std::int64_t> sizes = a.sizes("output_size");
  const int spatial = x.rank() - 2;
  if (sizes.size() == 1) sizes.resize(static_cast<std::size_t>(spatial), sizes.front());
  if (static_cast<int>(sizes.size()) != spatial) throw Error("output_size does not fit the input");
  const std::string format = a.text("data_format", "").empty() ? image_data_format() : a.text("data_format", "");
  // The windows of an output are products of intervals, so the axes can go one after the other.
  for (int i = 0; i < spatial; ++i) {
    const int axis = (format == "channels_first" ? 2 : 1) + i;
    const std::int64_t in = x.shape()[static_cast<std::size_t>(axis)], out = sizes[static_cast<std::size_t>(i)];
    if (out < 1) throw Error("output_size must be positive, got " + std::to_string(out));
    std::vector<Tensor> parts;
    for (std::int64_t j = 0; j < out; ++j)
      parts.push_back(function(cut(x, axis, j * in / out, ((j + 1) * in + out - 1) / out), axis, true));
    x = concatenate(parts, axis);
  }
  return x;
}

/// V / S · Uᵀ; singular values below rcond · largest count as zero.
Tensor pseudo_inverse(const Tensor& x, const Config& rcond) {
  const SVD parts = svd(x, false);
  const double limit = rcond.is_number()
                           ? rcond.as_double()
                           : 10.0 * static_cast<double>(std::max(x.shape().at(-1), x.shape().at(-2))) * 1.1920929e-7;
  const Tensor s = parts.s, small = less_equal(s, max(s, -1, true) * limit);
  const Tensor inverse = where(small, zeros_like(s), 1.0 / where(small, ones_like(s), s));
  return matmul(swapaxes(parts.vh, -1, -2) * expand_dims(inverse, -2), parts.u, false, true);
}

/// "b (h w) c -> b h w c"
struct Side {
  std::vector<std::vector<std::string>> groups;
};
Side side_of(const std::string& text) {
  Side side;
  bool inside = false;
  std::string word;
  const auto end_word = [&] {
    if (word.empty()) return;
    if (inside)
      side.groups.back().push_back(word);
    else
      side.groups.push_back({word});
    word.clear();
  };
  for (const char letter : text) {
    if (letter == ' ' || letter == '(' || letter == ')') end_word();
    if ((letter == '(' && inside) || (letter == ')' && !inside)) throw Error("Rearrange: brackets do not fit");
    if (letter == '(') {
      side.groups.emplace_back();
      inside = true;
    } else if (letter == ')') {
      inside = false;
    } else if (letter != ' ') {
      word += letter;
    }
  }
  end_word();
  if (inside) throw Error("Rearrange: a bracket is not closed");
  return side;
}

Tensors rearrange(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const std::string pattern = a.value(1).as_string();
  const std::size_t arrow = pattern.find("->");
  if (arrow == std::string::npos) throw Error("Rearrange: the pattern \"" + pattern.substr(0, 60) + "\" has no \"->\"");
  const Side left = side_of(pattern.substr(0, arrow)), right = side_of(pattern.substr(arrow + 2));
  if (left.groups.size() != x.shape().size())
    throw Error("Rearrange: the pattern \"" + pattern.substr(0, 60) + "\" does not fit the shape " + x.shape().str());
  std::map<std::string, std::int64_t> sizes;
  for (const auto& [name, size] : a.surplus().entries()) sizes[name] = size.as_integer();
  std::vector<std::string> order;
  Shape split;
  for (std::size_t i = 0; i < left.groups.size(); ++i) {
    std::int64_t rest = x.shape()[i];
    const std::string* unknown = nullptr;
    for (const std::string& name : left.groups[i]) {
      const auto known = sizes.find(name);
      if (known != sizes.end() && known->second > 0 && rest % known->second == 0)
        rest /= known->second;
      else if (known == sizes.end() && unknown == nullptr)
        unknown = &name;
      else
        throw Error("Rearrange: the size of \"" + name.substr(0, 40) + "\" does not fit or is not known");
    }
    if (unknown != nullptr) sizes[*unknown] = rest;
    if (unknown == nullptr && rest != 1) throw Error("Rearrange: the sizes do not fit the shape " + x.shape().str());
    for (const std::string& name : left.groups[i]) {
      order.push_back(name);
      split.push_back(sizes.at(name));
    }
  }
  std::vector<int> axes;
  Shape result;
  for (const auto& group : right.groups) {
    std::int64_t size = 1;
    for (const std::string& name : group) {
      const auto found = std::find(order.begin(), order.end(), name);
      if (found == order.end()) throw Error("Rearrange: \"" + name.substr(0, 40) + "\" stands only on the right");
      axes.push_back(static_cast<int>(found - order.begin()));
      size *= sizes.at(name);
    }
    result.push_back(size);
  }
  return reshape(transpose(reshape(x, split), axes), result);
}

Tensors psnr(const Arguments& a) {
  const Tensor difference = a.tensor(0) - a.tensor(1);
  return 20.0 * std::log10(a.option("max_val").as_double()) - 10.0 * log10(mean(square(difference)));
}

}  // namespace

std::vector<OperationEntry> rare_operations() {
  constexpr auto each = ShapeRule::elementwise;
  constexpr auto identity = ShapeRule::probe_identity;
  return {
      {"Angle", "numpy", "", "x", unary<angle>, each},
      {"BitwiseAnd", "numpy", "", "x y", whole<bit_and>, each},
      {"BitwiseOr", "numpy", "", "x y", whole<bit_or>, each},
      {"BitwiseXor", "numpy", "", "x y", whole<bit_xor>, each},
      {"BitwiseLeftShift", "numpy", "", "x y", whole<shift_left>, each},
      {"LeftShift", "numpy", "", "x y", whole<shift_left>, each},
      {"BitwiseRightShift", "numpy", "", "x y", whole<shift_right>, each},
      {"RightShift", "numpy", "", "x y", whole<shift_right>, each},
      {"BitwiseInvert", "numpy", "", "x", unary<bit_not>, each},
      {"BitwiseNot", "numpy", "", "x", unary<bit_not>, each},
      {"Gcd", "numpy", "", "x1 x2", whole<greatest_divisor>, each},
      {"Lcm", "numpy", "", "x1 x2", whole<least_multiple>, each},
      {"Array", "numpy", "dtype", "x",
       [](const Arguments& a) -> Tensors {
         const auto dtype = dtype_option(a);
         return dtype ? cast(a.tensor(0), *dtype) : a.tensor(0);
       },
       each},
      {"AllClose", "numpy", "rtol atol equal_nan", "x1 x2",
       [](const Arguments& a) -> Tensors {
         return all(isclose(a.tensor(0), a.tensor(1), a.number("rtol", 1e-5), a.number("atol", 1e-8),
                            a.flag("equal_nan", false)));
       }},
      {"Cross", "numpy", "axisa axisb axisc axis", "x1 x2", cross},
      {"Linspace", "numpy", "num endpoint retstep dtype axis", "start stop",
       [](const Arguments& a) -> Tensors {
         if (a.flag("retstep", false)) throw Error("Linspace: retstep is not supported");
         return of_dtype(a, between(a, a.tensor(0), a.tensor(1)));
       }},
      {"Logspace", "numpy", "num endpoint base dtype axis", "start stop",
       [](const Arguments& a) -> Tensors {
         return of_dtype(a, power(a.number("base", 10.0), between(a, a.tensor(0), a.tensor(1))));
       }},
      {"Geomspace", "numpy", "num endpoint dtype axis", "start stop",
       [](const Arguments& a) -> Tensors {
         const Tensor start = a.tensor(0), stop = a.tensor(1);
         const Tensor signs = expand_dims(cast(sign(start), floatx()), a.integer("axis", 0));
         const Tensor way = exp(between(a, log(abs(start)), log(abs(stop)))) * signs;
         // From a negative number to a positive one there is no way.
         const Tensor crossing = expand_dims(less(cast(start, floatx()) * stop, 0.0), a.integer("axis", 0));
         return of_dtype(a, where(crossing, full_like(way, std::nan("")), way));
       }},
      {"UnravelIndex", "numpy", "shape", "indices", unravel_index},
      {"Correlate", "numpy", "mode", "x1 x2", correlate},
      {"Full", "numpy", "shape dtype", "fill_value",
       [](const Arguments& a) -> Tensors {
         Shape shape;
         for (const std::int64_t size : a.sizes("shape")) shape.push_back(size);
         const Tensor value = broadcast_to(a.tensor(0), shape);
         return a.option("dtype").is_null() ? cast(value, floatx()) : of_dtype(a, value);
       }},
      {"Ndim", "numpy", "", "x",
       [](const Arguments& a) -> Tensors { return cast(Tensor(a.tensor(0).rank()), DType::int32); }},
      {"Unfold", "nn", "kernel_size dilation padding stride", "x", unfold},
      {"AdaptiveMaxPool", "nn", "output_size data_format", "inputs", adaptive_pool<max>},
      {"AdaptiveAveragePool", "nn", "output_size data_format", "inputs", adaptive_pool<mean>},
      {"Pinv", "linalg", "rcond", "x",
       [](const Arguments& a) -> Tensors { return pseudo_inverse(a.tensor(0), a.option("rcond")); }, identity},
      {"Lstsq", "linalg", "rcond", "a b",
       [](const Arguments& a) -> Tensors {
         const Tensor x = pseudo_inverse(a.tensor(0), a.option("rcond")), b = a.tensor(1);
         return b.rank() == 1 ? squeeze(matmul(x, expand_dims(b, -1)), -1) : matmul(x, b);
       },
       identity},
      {"MatrixRank", "linalg", "tol", "x",
       [](const Arguments& a) -> Tensors {
         const Tensor x = a.tensor(0), s = svd(x, false).s;
         const double size = static_cast<double>(std::max(x.shape().at(-1), x.shape().at(-2)));
         const Config& tol = a.option("tol");
         const Tensor limit = tol.is_number() ? Tensor(tol.as_double()) : max(s, -1, true) * (size * 1.1920929e-7);
         return sum(cast(greater(s, limit), DType::int32), -1);
       },
       identity},
      {"Rearrange", "einops", "", "tensor pattern **", rearrange},
      {"PSNR", "nn", "max_val", "x1 x2", psnr},
      {"SegmentMin", "math", "num_segments sorted", "data segment_ids",
       [](const Arguments& a) -> Tensors { return -in_segments<segment_max>(-a.tensor(0), a); }},
  };
}

}  // namespace nyala::detail
