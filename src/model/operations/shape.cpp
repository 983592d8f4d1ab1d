// Rearranging and indexing.
#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

Shape shape_option(const Arguments& a, const char* key) {
  Shape shape;
  for (const std::int64_t size : a.sizes(key)) shape.push_back(size);
  return shape;
}

Index index_of(const Arguments& a, const Config& key) {
  if (key.is_null()) return newaxis;
  if (key.is_integer()) return key.as_integer();
  if (key.is_string() && key.as_string() == "...") return ellipsis;
  if (key.is_object() && key.get("class_name").is_string()) {
    const std::string& kind = key.at("class_name").as_string();
    if (kind == "__ellipsis__") return ellipsis;
    if (kind == "__slice__") {
      const Config& parts = key.at("config");
      return Slice{parts.optional_integer("start"), parts.optional_integer("stop"), parts.optional_integer("step")};
    }
  }
  return a.as_tensor(key);
}

Tensors get_item(const Arguments& a) {
  if (a.count() < 2) throw Error("GetItem: the key is missing");
  const Config& key = a.value(1);
  std::vector<Index> indices;
  if (key.is_array()) {
    for (const Config& item : key.items()) indices.push_back(index_of(a, item));
  } else {
    indices.push_back(index_of(a, key));
  }
  return index(a.tensor(0), indices);
}

Tensors transpose_of(const Arguments& a) {
  std::vector<int> axes;
  if (!a.option("axes").is_null()) axes = a.axes("axes").values();
  return transpose(a.tensor(0), axes);
}

Tensors split_of(const Arguments& a) {
  const Config& parts = a.option("indices_or_sections");
  const int axis = a.integer("axis", 0);
  if (parts.is_array()) return split(a.tensor(0), parts.as_integers(), axis);
  return split(a.tensor(0), parts.as_int(), axis);
}

Tensors pad_of(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const Config& width = a.option("pad_width");
  std::vector<Padding> padding;
  const auto pair = [](const Config& both) {
    const std::vector<std::int64_t> sizes = both.as_integers();
    if (sizes.empty() || sizes.size() > 2) throw Error("Pad: pad_width must hold pairs, got " + both.json());
    return Padding{sizes.front(), sizes.back()};
  };
  if (width.is_array() && width.size() > 0 && width[0].is_array()) {
    for (const Config& both : width.items()) padding.push_back(pair(both));
  } else {
    padding.push_back(pair(width));
  }
  if (padding.size() == 1) padding.resize(static_cast<std::size_t>(x.rank()), padding.front());
  return pad(x, padding, a.text("mode", "constant"), a.given(1) ? a.value(1).as_double() : 0.0);
}

Tensors moveaxis_of(const Arguments& a) {
  const std::vector<std::int64_t> from = a.sizes("source"), to = a.sizes("destination");
  const Tensor x = a.tensor(0);
  if (from.size() != to.size()) throw Error("Moveaxis: as many destinations as sources are needed");
  const auto axis = [&](std::int64_t given) {
    const std::int64_t place = given < 0 ? given + x.rank() : given;
    if (place < 0 || place >= x.rank()) throw Error("Moveaxis: there is no axis " + std::to_string(given));
    return static_cast<int>(place);
  };
  std::vector<int> order(static_cast<std::size_t>(x.rank()), -1), rest;
  std::vector<bool> moved(order.size(), false);
  for (std::size_t i = 0; i < from.size(); ++i) {
    order[static_cast<std::size_t>(axis(to[i]))] = axis(from[i]);
    moved[static_cast<std::size_t>(axis(from[i]))] = true;
  }
  for (int i = 0; i < x.rank(); ++i) {
    if (!moved[static_cast<std::size_t>(i)]) rest.push_back(i);
  }
  auto next = rest.begin();
  for (int& place : order) {
    if (place < 0 && next == rest.end()) throw Error("Moveaxis: an axis is moved twice");
    if (place < 0) place = *next++;
  }
  return transpose(x, order);
}

std::int64_t only_number(const Arguments& a, const char* key) {
  const std::vector<std::int64_t> numbers = a.sizes(key);
  if (numbers.size() != 1) throw Error(std::string(key) + " must be one number, got " + a.option(key).json());
  return numbers.front();
}

Tensors repeat_of(const Arguments& a) { return repeat(a.tensor(0), only_number(a, "repeats"), a.axis()); }

Tensors roll_of(const Arguments& a) {
  Tensor x = a.tensor(0);
  const Config& axis = a.option("axis");
  if (!axis.is_array()) return roll(x, only_number(a, "shift"), a.axis());
  const std::vector<std::int64_t> shifts = a.sizes("shift"), axes = axis.as_integers();
  if (shifts.size() != 1 && shifts.size() != axes.size())
    throw Error("Roll: as many shifts as axes are expected, got " + a.option("shift").json() + " and " + axis.json());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    x = roll(x, shifts[shifts.size() == 1 ? 0 : i], Config(axes[i]).as_int());
  }
  return x;
}

Tensors like(const Arguments& a, const Tensor& filled) {
  const auto dtype = dtype_option(a);
  return dtype ? cast(filled, *dtype) : filled;
}

/// The updates joined with what is there; where one place is updated twice, both count.
Tensors scatter_reduced(const Arguments& a) {
  const std::string reduction = a.option("reduction").as_string();
  const Tensor x = a.tensor(0), indices = a.tensor(1), updates = a.tensor(2);
  if (reduction == "add") return x + cast(scatter(indices, updates, x.shape()), x.dtype());
  const std::int64_t count = indices.shape().front();
  Tensor result = x;
  for (std::int64_t i = 0; i < count; ++i) {
    const Tensor place = index(indices, {Slice{i, i + 1, {}}}), update = index(updates, {Slice{i, i + 1, {}}});
    std::vector<std::int64_t> where = ravel(place).to_vector<std::int64_t>();
    std::vector<Index> at(where.begin(), where.end());
    const Tensor old = expand_dims(index(result, at), 0);
    Tensor joined;
    if (reduction == "max")
      joined = maximum(old, update);
    else if (reduction == "min")
      joined = minimum(old, update);
    else if (reduction == "mul")
      joined = old * update;
    else
      throw Error("ScatterUpdate: the reduction \"" + reduction.substr(0, 40) + "\" is not known");
    result = scatter_update(result, place, joined);
  }
  return result;
}

std::vector<std::int64_t> starts(const Arguments& a) {
  const Config& value = a.value(1);
  return value.is_array() ? value.as_integers() : a.tensor(1).to_vector<std::int64_t>();
}

}  // namespace

std::vector<OperationEntry> shape_operations() {
  constexpr auto each = ShapeRule::elementwise;
  return {
      {"GetItem", "numpy", "", "x key", get_item},
      {"Reshape", "numpy", "newshape", "x",
       [](const Arguments& a) -> Tensors { return reshape(a.tensor(0), shape_option(a, "newshape")); },
       ShapeRule::newshape},
      {"Ravel", "numpy", "", "x", unary<ravel>},
      {"ExpandDims", "numpy", "axis", "x",
       [](const Arguments& a) -> Tensors {
         Tensor x = a.tensor(0);
         for (const std::int64_t axis : a.sizes("axis")) x = expand_dims(x, static_cast<int>(axis));
         return x;
       }},
      {"Squeeze", "numpy", "axis", "x", [](const Arguments& a) -> Tensors { return squeeze(a.tensor(0), a.axes()); }},
      {"Transpose", "numpy", "axes", "x", transpose_of},
      {"Swapaxes", "numpy", "axis1 axis2", "x",
       [](const Arguments& a) -> Tensors {
         return swapaxes(a.tensor(0), a.option("axis1").as_int(), a.option("axis2").as_int());
       }},
      {"Moveaxis", "numpy", "source destination", "x", moveaxis_of},
      {"BroadcastTo", "numpy", "shape", "x",
       [](const Arguments& a) -> Tensors { return broadcast_to(a.tensor(0), shape_option(a, "shape")); }},
      {"Concatenate", "numpy", "axis", "xs",
       [](const Arguments& a) -> Tensors { return concatenate(a.tensors(0), a.integer("axis", 0)); }},
      {"Stack", "numpy", "axis", "x",
       [](const Arguments& a) -> Tensors { return stack(a.tensors(0), a.integer("axis", 0)); }},
      {"Hstack", "numpy", "", "xs",
       [](const Arguments& a) -> Tensors {
         const std::vector<Tensor> xs = a.tensors(0);
         return concatenate(xs, !xs.empty() && xs.front().rank() == 1 ? 0 : 1);
       }},
      {"Vstack", "numpy", "", "xs",
       [](const Arguments& a) -> Tensors {
         std::vector<Tensor> xs = a.tensors(0);
         for (Tensor& x : xs) x = x.rank() < 2 ? reshape(x, {1, -1}) : x;
         return concatenate(xs, 0);
       }},
      {"Unstack", "core", "num axis", "x",
       [](const Arguments& a) -> Tensors { return unstack(a.tensor(0), a.integer("axis", 0)); }},
      {"Split", "numpy", "indices_or_sections axis", "x", split_of},
      {"Pad", "numpy", "pad_width mode", "x constant_values", pad_of},
      {"Tile", "numpy", "repeats", "x",
       [](const Arguments& a) -> Tensors { return tile(a.tensor(0), a.sizes("repeats")); }},
      {"Repeat", "numpy", "repeats axis", "x", repeat_of},
      {"Flip", "numpy", "axis", "x", [](const Arguments& a) -> Tensors { return flip(a.tensor(0), a.axes()); }},
      {"Fliplr", "numpy", "", "x", [](const Arguments& a) -> Tensors { return flip(a.tensor(0), 1); }},
      {"Flipud", "numpy", "", "x", [](const Arguments& a) -> Tensors { return flip(a.tensor(0), 0); }},
      {"Roll", "numpy", "shift axis", "x", roll_of},
      {"Diag", "numpy", "k", "x", [](const Arguments& a) -> Tensors { return diag(a.tensor(0), a.integer("k", 0)); }},
      {"Diagonal", "numpy", "offset axis1 axis2", "x",
       [](const Arguments& a) -> Tensors {
         return diagonal(a.tensor(0), a.integer("offset", 0), a.integer("axis1", 0), a.integer("axis2", 1));
       }},
      {"Tril", "numpy", "k", "x", [](const Arguments& a) -> Tensors { return tril(a.tensor(0), a.integer("k", 0)); }},
      {"Triu", "numpy", "k", "x", [](const Arguments& a) -> Tensors { return triu(a.tensor(0), a.integer("k", 0)); }},
      {"Take", "numpy", "axis", "x indices",
       [](const Arguments& a) -> Tensors { return take(a.tensor(0), a.tensor(1), a.axis()); }},
      {"TakeAlongAxis", "numpy", "axis", "x indices",
       [](const Arguments& a) -> Tensors { return take_along_axis(a.tensor(0), a.tensor(1), a.axis()); }},
      {"SearchSorted", "numpy", "side", "sorted_sequence values",
       [](const Arguments& a) -> Tensors { return searchsorted(a.tensor(0), a.tensor(1), a.text("side", "left")); }},
      {"ZerosLike", "numpy", "dtype", "x",
       [](const Arguments& a) -> Tensors { return like(a, zeros_like(a.tensor(0))); }, each},
      {"OnesLike", "numpy", "dtype", "x", [](const Arguments& a) -> Tensors { return like(a, ones_like(a.tensor(0))); },
       each},
      {"FullLike", "numpy", "dtype", "x fill_value",
       [](const Arguments& a) -> Tensors { return like(a, full_like(a.tensor(0), a.tensor(1))); }},
      {"Slice", "core", "shape", "inputs start_indices",
       [](const Arguments& a) -> Tensors {
         const Tensor x = a.tensor(0);
         const std::vector<std::int64_t> from = starts(a);
         Shape shape = shape_option(a, "shape");
         // -1: all that is left of an axis.
         for (std::size_t i = 0; i < shape.size() && i < from.size() && i < x.shape().size(); ++i) {
           if (shape[i] == -1) shape[i] = x.shape()[i] - from[i];
         }
         return slice(x, from, shape);
       }},
      {"SliceUpdate", "core", "", "inputs start_indices updates",
       [](const Arguments& a) -> Tensors { return slice_update(a.tensor(0), starts(a), a.tensor(2)); }},
      {"Scatter", "core", "shape", "indices values",
       [](const Arguments& a) -> Tensors { return scatter(a.tensor(0), a.tensor(1), shape_option(a, "shape")); }},
      {"ScatterUpdate", "core", "reduction", "inputs indices updates",
       [](const Arguments& a) -> Tensors {
         if (!a.option("reduction").is_null()) return scatter_reduced(a);
         return scatter_update(a.tensor(0), a.tensor(1), a.tensor(2));
       }},
  };
}

}  // namespace nyala::detail
