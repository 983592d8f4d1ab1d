// Decompositions, counts, and what draws places on a line: the last of Keras' operations that have a static shape.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "autograd/node.hpp"

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

/// Of results whose size an option of a file says.
void require_possible(const char* operation, const char* option, std::int64_t given, std::int64_t each = 1) {
  constexpr std::int64_t most = std::int64_t{1} << 27;
  if (given > most / std::max<std::int64_t>(each, 1))
    throw Error(std::string(operation) + ": " + option + " = " + std::to_string(given) + " is too large");
}

void require_square(const Tensor& x, const char* operation) {
  if (x.rank() < 2 || x.shape().at(-1) != x.shape().at(-2))
    throw Error(std::string(operation) + ": square matrices are needed, got " + x.shape().str());
}

/// Of (x + xᵀ) / 2, ascending. Lifted above 0 it is its own singular value decomposition, which has a gradient.
Tensors eigh(const Arguments& a) {
  const Tensor x = a.tensor(0);
  require_square(x, "Eigh");
  const Tensor wide = cast(x, DType::float64), symmetric = (wide + swapaxes(wide, -1, -2)) * 0.5;
  const Tensor norm = stop_gradient(max(sum(abs(symmetric), -1, true), Axes{-2}, true));
  const Tensor lift = where(equal(norm, 0.0), 1.0, norm * 1.25);
  const SVD found = svd(symmetric + lift * eye(x.shape().at(-1), x.shape().at(-1), 0, DType::float64));
  return {cast(flip(found.s - squeeze(lift, -1), -1), x.dtype()), cast(flip(found.u, -1), x.dtype())};
}

/// Rows are swapped for the largest pivot, as LAPACK does.
Tensors lu_factor(const Arguments& a) {
  const Tensor x = a.tensor(0);
  if (x.rank() < 2) throw Error("LuFactor: matrices are needed, got " + x.shape().str());
  if (autograd::recording(x)) throw Error("LuFactor: it has no gradient here; use solve, inv or det, which have one");
  const std::int64_t rows = x.shape().at(-2), columns = x.shape().at(-1), pivots = std::min(rows, columns);
  std::vector<double> lu = cast(x, DType::float64).to_vector<double>();
  std::vector<std::int32_t> swaps;
  const auto count = static_cast<std::int64_t>(lu.size()) / std::max<std::int64_t>(rows * columns, 1);
  for (std::int64_t matrix = 0; matrix < count; ++matrix) {
    double* const m = lu.data() + matrix * rows * columns;
    for (std::int64_t k = 0; k < pivots; ++k) {
      std::int64_t best = k;
      for (std::int64_t i = k + 1; i < rows; ++i) {
        if (std::abs(m[i * columns + k]) > std::abs(m[best * columns + k])) best = i;
      }
      swaps.push_back(static_cast<std::int32_t>(best));
      if (best != k) std::swap_ranges(m + k * columns, m + (k + 1) * columns, m + best * columns);
      const double pivot = m[k * columns + k];
      if (pivot == 0.0) continue;
      for (std::int64_t i = k + 1; i < rows; ++i) {
        const double factor = m[i * columns + k] /= pivot;
        for (std::int64_t j = k + 1; j < columns; ++j) m[i * columns + j] -= factor * m[k * columns + j];
      }
    }
  }
  Shape places = x.shape();
  places.erase(places.size() - 1);
  places.back() = pivots;
  return {cast(nyala::tensor(lu, x.shape()), x.dtype()), nyala::tensor(swaps, places)};
}

Tensors bincount(const Arguments& a) {
  const std::int64_t least = a.option("minlength").is_null() ? 0 : a.option("minlength").as_integer();
  if (a.flag("sparse", false)) throw Error("Bincount: sparse results are not supported");
  if (least <= 0) {
    throw Error("Bincount: the length of the result hangs on the values; give minlength, which every value is below");
  }
  const Tensor x = a.tensor(0);
  if (is_floating(x.dtype()) || x.rank() < 1 || x.rank() > 2)
    throw Error("Bincount: one or two axes of whole numbers are needed, got " + x.shape().str());
  if (x.size() > 0) {
    const auto low = cast(min(x), DType::int64).item<std::int64_t>(),
               high = cast(max(x), DType::int64).item<std::int64_t>();
    if (low < 0 || high >= least) {
      throw Error("Bincount: values must be from 0 to minlength - 1 = " + std::to_string(least - 1) + ", got " +
                  std::to_string(low < 0 ? low : high));
    }
  }
  require_possible("Bincount", "minlength", least, x.size());
  const Config& given = a.option("weights");
  const Tensor weights = given.is_null() ? Tensor() : a.as_tensor(given);
  const DType dtype = given.is_null() ? DType::int32 : result_type({x.dtype(), weights.dtype()});
  const Tensor hits = one_hot(x, Config(least).as_int(), -1, dtype);
  return sum(given.is_null() ? hits : hits * expand_dims(cast(weights, dtype), -1), Axes{-2});
}

Tensors histogram(const Arguments& a) {
  const Tensor x = a.tensor(0);
  const std::int64_t bins = a.option("bins").is_null() ? 10 : a.option("bins").as_integer();
  if (x.rank() != 1) throw Error("Histogram: one axis is needed, got " + x.shape().str());
  if (bins < 1) throw Error("Histogram: bins must be positive, got " + std::to_string(bins));
  require_possible("Histogram", "bins", bins);
  const DType dtype = is_floating(x.dtype()) ? x.dtype() : floatx();
  const std::vector<double> values = cast(x, DType::float64).to_vector<double>();
  double low = 0.0, high = 1.0;
  const Config& range = a.option("range");
  if (range.is_array() && range.size() == 2) {
    low = range[0].as_double(), high = range[1].as_double();
  } else if (!values.empty()) {
    low = *std::min_element(values.begin(), values.end()), high = *std::max_element(values.begin(), values.end());
  }
  if (!(low <= high)) throw Error("Histogram: the range must go up");
  if (low == high) low -= 0.5, high += 0.5;
  std::vector<double> edges;
  for (std::int64_t i = 0; i <= bins; ++i)
    edges.push_back(low + (high - low) * static_cast<double>(i) / static_cast<double>(bins));
  std::vector<double> counts(static_cast<std::size_t>(bins), 0.0);
  for (const double value : values) {
    if (!(value >= low && value <= high)) continue;
    const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
    counts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, bins - 1))] += 1.0;
  }
  return {cast(nyala::tensor(counts, Shape{bins}), dtype), cast(nyala::tensor(edges, Shape{bins + 1}), dtype)};
}

/// Sorted; to `size` places, of which those left over hold fill_value (or the least value) and count 0.
Tensors unique(const Arguments& a) {
  if (!a.option("size").is_integer()) {
    throw Error("Unique: the length of the result hangs on the values; give size, the number of places it has");
  }
  const std::int64_t size = a.option("size").as_integer();
  const Tensor x = a.tensor(0);
  if (size < 1) throw Error("Unique: size must be positive, got " + std::to_string(size));
  require_possible("Unique", "size", size);
  if (a.axis() && x.rank() != 1) throw Error("Unique: it is of all values here; axis is for one axis alone");
  const std::vector<double> values = cast(x, DType::float64).to_vector<double>();
  std::map<double, std::pair<std::int32_t, std::int32_t>> found;  // first place, count
  for (std::size_t i = 0; i < values.size(); ++i)
    ++found.try_emplace(values[i], static_cast<std::int32_t>(i), 0).first->second.second;
  std::vector<double> kept;
  std::vector<std::int32_t> first, counts, inverse;
  for (const auto& [value, facts] : found) {
    if (static_cast<std::int64_t>(kept.size()) == size) break;
    kept.push_back(value);
    first.push_back(facts.first);
    counts.push_back(facts.second);
  }
  for (const double value : values) {
    const auto place = std::distance(found.begin(), found.find(value));
    inverse.push_back(static_cast<std::int32_t>(std::min<std::ptrdiff_t>(place, size - 1)));
  }
  const double least = kept.empty() ? 0.0 : kept.front();
  const double fill = a.option("fill_value").is_number() ? a.option("fill_value").as_double() : least;
  const auto places = static_cast<std::size_t>(size);
  kept.resize(places, fill);
  first.resize(places, first.empty() ? 0 : first.front());
  counts.resize(places, 0);
  Tensors result{cast(nyala::tensor(kept, Shape{size}), x.dtype())};
  if (a.flag("return_index", false)) result.push_back(nyala::tensor(first, Shape{size}));
  if (a.flag("return_inverse", false)) result.push_back(nyala::tensor(inverse, x.shape()));
  if (a.flag("return_counts", false)) result.push_back(nyala::tensor(counts, Shape{size}));
  return result;
}

/// The same bytes as numbers of another kind.
Tensors view(const Arguments& a) {
  const Tensor x = a.tensor(0).to(Device());
  const DType dtype = dtype_option(a).value_or(x.dtype());
  if (dtype == x.dtype()) return x;
  const auto before = static_cast<std::int64_t>(size_of(x.dtype())), after = static_cast<std::int64_t>(size_of(dtype));
  Shape shape = x.shape();
  if (before != after) {
    if (shape.size() == 0) throw Error("View: a scalar has no last axis to divide");
    if (shape.back() * before % after != 0) {
      throw Error("View: a last axis of " + std::to_string(shape.back() * before) + " bytes holds no whole number of " +
                  name_of(dtype));
    }
    shape.back() = shape.back() * before / after;
  }
  Tensor result = Tensor::empty(shape, dtype, Device());
  if (x.size() > 0) std::memcpy(result.raw_data(), x.raw_data(), static_cast<std::size_t>(x.size() * before));
  return result;
}

double kernel_at(const std::string& method, double x) {
  const auto lanczos = [&](double radius) {
    if (x > radius) return 0.0;
    const double y = std::numbers::pi * x;
    return x > 1e-3 ? radius * std::sin(y) * std::sin(y / radius) / (y * y) : 1.0;
  };
  if (method == "linear" || method == "bilinear" || method == "trilinear" || method == "triangle")
    return std::max(0.0, 1.0 - x);
  if (method == "cubic" || method == "bicubic" || method == "tricubic") {
    if (x >= 2.0) return 0.0;
    return x >= 1.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : ((1.5 * x - 2.5) * x) * x + 1.0;
  }
  if (method == "lanczos3") return lanczos(3.0);
  if (method == "lanczos5") return lanczos(5.0);
  throw Error("ScaleAndTranslate: the method \"" + method + "\" is not known");
}

/// (input, output): how much each input place counts for each output place, along one axis.
Tensor resampling(std::int64_t input, std::int64_t output, double scale, double shift, const std::string& method,
                  bool antialias) {
  const double inverse = 1.0 / scale, width = antialias ? std::max(inverse, 1.0) : 1.0;
  std::vector<double> weights(static_cast<std::size_t>(input * output), 0.0);
  for (std::int64_t to = 0; to < output; ++to) {
    const double at = (static_cast<double>(to) + 0.5) * inverse - shift * inverse - 0.5;
    if (!(at >= -0.5 && at <= static_cast<double>(input) - 0.5)) continue;
    double total = 0.0;
    const auto place = [&](std::int64_t from) { return static_cast<std::size_t>(from * output + to); };
    for (std::int64_t from = 0; from < input; ++from)
      total += weights[place(from)] = kernel_at(method, std::abs(at - static_cast<double>(from)) / width);
    const bool counts = std::abs(total) > 1000.0 * std::numeric_limits<float>::epsilon();
    for (std::int64_t from = 0; from < input; ++from) weights[place(from)] *= counts ? 1.0 / total : 0.0;
  }
  return nyala::tensor(weights, Shape{input, output});
}

/// As a change of rows and columns one axis after another; linear in the images, whose gradient it has.
Tensors scale_and_translate(const Arguments& a) {
  Tensor images = a.tensor(0);
  if (!is_floating(images.dtype())) images = cast(images, floatx());
  const std::vector<std::int64_t> sizes = a.value(1).as_integers();
  const std::vector<double> scale = cast(a.tensor(2), DType::float64).to_vector<double>(),
                            shift = cast(a.tensor(3), DType::float64).to_vector<double>();
  const std::vector<std::int64_t> axes = a.sizes("spatial_dims");
  if (sizes.size() != images.shape().size() || scale.size() != axes.size() || shift.size() != axes.size())
    throw Error("ScaleAndTranslate: output_shape, scale and translation do not fit the images and spatial_dims");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t axis = axes[i] < 0 ? axes[i] + images.rank() : axes[i];
    if (axis < 0 || axis >= images.rank()) throw Error("ScaleAndTranslate: there is no axis " + std::to_string(axis));
    const std::int64_t output = sizes[static_cast<std::size_t>(axis)];
    if (!std::isfinite(shift[i]) || output < 0 || output > 65536)
      throw Error("ScaleAndTranslate: a translation or a size of the result is impossible");
    require_possible("ScaleAndTranslate", "output_shape", output, images.shape()[static_cast<std::size_t>(axis)]);
    const double by = scale[i] == 0.0 ? 1.0 : scale[i];  // shapes are found with zeros
    const Tensor weights = cast(resampling(images.shape()[static_cast<std::size_t>(axis)], output, by, shift[i],
                                           a.text("method", "linear"), a.flag("antialias", true)),
                                images.dtype());
    images = moveaxis(matmul(moveaxis(images, static_cast<int>(axis), -1), weights), -1, static_cast<int>(axis));
  }
  return images;
}

}  // namespace

std::vector<OperationEntry> special_operations() {
  constexpr ShapeRule identity = ShapeRule::probe_identity;
  return {
      {"Eigh", "linalg", "", "x", eigh, identity},
      {"LuFactor", "linalg", "", "x", lu_factor, identity},
      {"Bincount", "numpy", "weights minlength sparse", "x", bincount},
      {"Histogram", "numpy", "bins range", "x", histogram},
      {"Unique", "numpy", "sorted return_index return_inverse return_counts axis size fill_value", "x", unique},
      {"View", "numpy", "dtype", "x", view},
      {"ScaleAndTranslate", "image", "spatial_dims method antialias", "images output_shape scale translation",
       scale_and_translate},
  };
}

}  // namespace nyala::detail
