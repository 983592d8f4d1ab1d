#pragma once

#include <cmath>
#include <cstring>
#include <limits>

#include "compare.hpp"

// Elementwise functions, reductions, order, indexing, memory, optimizers: every dtype, and the values at the edges.

namespace gpu_check {

using nyala::backend::RandomKey;

inline const std::vector<DType> floats{DType::float32, DType::float64, DType::float16, DType::bfloat16};
inline const std::vector<DType> integers{DType::uint8, DType::uint16, DType::uint32, DType::uint64,
                                         DType::int8,  DType::int16,  DType::int32,  DType::int64};
inline std::vector<DType> numeric() {
  std::vector<DType> all = floats;
  all.insert(all.end(), integers.begin(), integers.end());
  return all;
}
inline std::vector<DType> every() {
  std::vector<DType> all = numeric();
  all.push_back(DType::boolean);
  return all;
}

/// Numbers in [-range, range) as that dtype, some of them alike.
inline Tensor sample(const Shape& shape, std::uint64_t seed, DType dtype, double range = 9.0) {
  std::vector<double> values = numbers(shape.elements(), seed);
  for (double& value : values) value = std::round(value * range * 8.0) / 8.0;
  return in_dtype(from_doubles(values, shape, DType::float64), dtype);
}

inline Tensor edges(DType dtype) {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> values{0.0, -0.0, 1.0,  -1.0, 0.5,  -0.5, 2.0, -2.0, 3.0,   -3.0,   6.0,  7.5,
                                   nan, inf,  -inf, 1e-6, 30.0, -30., 1e4, -1e4, 2.5e9, -2.5e9, 300., -200.};
  return in_dtype(from_doubles(values, {static_cast<std::int64_t>(values.size())}, DType::float64), dtype);
}

/// Near each other element by element; NaN with NaN, infinities the same.
inline void check_alike(const Tensor& found, const Tensor& expected, double tolerance) {
  REQUIRE(found.shape() == expected.shape());
  REQUIRE(found.dtype() == expected.dtype());
  const auto a = found.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if ((std::isnan(a[i]) && std::isnan(b[i])) || a[i] == b[i]) continue;
    if (std::abs(a[i] - b[i]) <= tolerance * std::max(1.0, std::abs(b[i]))) continue;
    CAPTURE(i);
    CHECK(a[i] == doctest::Approx(b[i]));
    return;
  }
}

/// What run(kernels, in, out) leaves in `out`, which begins as given, on the GPU and in the reference.
inline void alike(const std::string& what, const Tensors& in, const Tensor& out, double tolerance,
                  const std::function<void(Kernels&, const Tensors&, Tensor&)>& run) {
  CAPTURE(what);
  ReferenceKernels reference;
  Tensor expected = out.clone(), found = there(out);
  run(reference, in, expected);
  Tensors device;
  for (const Tensor& x : in) device.push_back(there(x));
  run(gpu(), device, found);
  check_alike(here(found), expected, tolerance);
}

inline double exact_or(DType dtype) { return nyala::is_floating(dtype) ? tolerance_of(dtype) : 0.0; }
inline std::string named(const char* what, int op, DType dtype) {
  return std::string(what) + " " + std::to_string(op) + " of " + nyala::name_of(dtype);
}
inline Tensor blank(const Shape& shape, DType dtype) { return sample(shape, 77, dtype); }

}  // namespace gpu_check
