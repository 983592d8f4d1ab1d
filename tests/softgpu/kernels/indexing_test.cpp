#include "general.hpp"

using namespace gpu_check;
using namespace nyala::backend;

namespace {

Tensor indices(const Shape& shape, std::uint64_t seed, std::int64_t below, DType dtype) {
  std::vector<double> values = numbers(shape.elements(), seed);
  for (double& value : values) value = std::floor((value + 1.0) / 2.0 * static_cast<double>(below));
  return in_dtype(from_doubles(values, shape, DType::float64), dtype);
}

}  // namespace

TEST_CASE("softgpu: views read and written, terms on one place added in order") {
  const std::vector<std::int64_t> transposed{1, 5}, reversed{-5, -1}, windows{2, 1}, repeated{0, 1}, both{1, 0};
  for (const DType dtype : every()) {
    const Tensor x = sample({4, 5}, 1, dtype);
    const auto read = [&](std::int64_t offset, const std::vector<std::int64_t>& strides, const Shape& shape) {
      alike(named("strided_read", 0, dtype), {x}, blank(shape, dtype), 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.strided_read(in[0], offset, strides, y); });
      for (const bool add : {false, true}) {
        if (!add && (strides == windows || strides == repeated || strides == both)) continue;
        alike(named("strided_write", add, dtype), {sample(shape, 2, dtype)}, x, exact_or(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& y) {
                kernels.strided_write(in[0], y, offset, strides, add);
              });
      }
    };
    read(0, transposed, {5, 4});
    read(19, reversed, {4, 5});
    read(3, windows, {5, 6});
    read(2, repeated, {7, 6});
    read(1, both, {6, 9});
  }
}

TEST_CASE("softgpu: rows gathered and added") {
  for (const DType dtype : every()) {
    for (const DType index : {DType::int32, DType::int64}) {
      const Tensor x = sample({3, 7, 4}, 3, dtype);
      for (const int axis : {0, 1, 2}) {
        const auto n = x.shape()[static_cast<std::size_t>(axis)];
        const Tensor rows = indices({11}, 4, n, index);
        Shape shape = x.shape();
        shape[static_cast<std::size_t>(axis)] = 11;
        alike(named("gather", axis, dtype), {x, rows}, blank(shape, dtype), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.gather(in[0], in[1], axis, y); });
        alike(named("scatter_add", axis, dtype), {rows, sample(shape, 5, dtype)}, x, exact_or(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.scatter_add(in[0], axis, in[1], y); });
        const Tensor along = indices(shape, 6, n, index);
        alike(named("take_along_axis", axis, dtype), {x, along}, blank(shape, dtype), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.take_along_axis(in[0], in[1], axis, y); });
        alike(
            named("put_along_axis_add", axis, dtype), {along, sample(shape, 7, dtype)}, x, exact_or(dtype),
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.put_along_axis_add(in[0], axis, in[1], y); });
      }
      Tensor places = indices({9, 2}, 8, 3, index);
      for (const bool add : {false, true}) {
        alike(named("scatter_nd", add, dtype), {places, sample({9, 4}, 9, dtype)}, x, exact_or(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.scatter_nd(in[0], in[1], add, y); });
      }
      alike(named("segment_max", 0, dtype), {sample({8, 7, 4}, 10, dtype), indices({8}, 11, 3, index)}, x, 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.segment_max(in[0], in[1], y); });
      alike(named("one_hot", 0, dtype), {indices({2, 3}, 12, 6, index)}, blank({2, 4, 3}, dtype), 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.one_hot(in[0], 2, 4, 3, y); });
    }
  }
}

TEST_CASE("softgpu: many terms on one row") {
  Tensor rows = indices({5000}, 1, 2, DType::int32);
  alike("scatter_add", {rows, sample({5000, 3}, 2, DType::float32)}, blank({4, 3}, DType::float32), 0,
        [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.scatter_add(in[0], 0, in[1], y); });
}

TEST_CASE("softgpu: random numbers are the CPU's") {
  const RandomKey key{.seed = 0x123456789abcdef0, .stream = 77};
  for (const DType dtype : floats) {
    const double close = dtype == DType::float64 ? 1e-13 : 0.0;
    for (const std::int64_t count : {1, 5, 1030}) {
      const Tensor out = blank({count}, dtype);
      alike(named("uniform", 0, dtype), {}, out, 0,
            [&](Kernels& kernels, const Tensors&, Tensor& y) { kernels.random_uniform(key, -1.5, 2.0, y); });
      alike(named("normal", 0, dtype), {}, out, close,
            [&](Kernels& kernels, const Tensors&, Tensor& y) { kernels.random_normal(key, 0.5, 2.0, y); });
      alike(named("truncated_normal", 0, dtype), {}, out, close,
            [&](Kernels& kernels, const Tensors&, Tensor& y) { kernels.random_truncated_normal(key, 0.5, 2.0, y); });
      alike(named("dropout", 0, dtype), {sample({count}, 3, dtype)}, out, 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.dropout(key, 0.3, in[0], y); });
    }
  }
  for (const DType dtype : integers) {
    for (const std::int64_t high : {std::int64_t{100}, std::int64_t{1} << 40}) {
      alike(named("integers", 0, dtype), {}, blank({1001}, dtype), 0,
            [&](Kernels& kernels, const Tensors&, Tensor& y) { kernels.random_integers(key, 0, high, y); });
    }
  }
}
