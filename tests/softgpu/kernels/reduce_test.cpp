#include "general.hpp"

using namespace gpu_check;
using namespace nyala::backend;

TEST_CASE("softgpu: reductions over any axes") {
  const std::vector<std::pair<Shape, std::vector<std::vector<int>>>> cases{
      {Shape{3, 4, 5}, {{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}, {}}},
      {Shape{2, 2100}, {{0}, {1}, {0, 1}}},
      {Shape{70000}, {{0}}},
      {Shape{3000, 33}, {{0}, {1}}},
      {Shape{2, 0, 3}, {{1}}}};
  for (const auto& [shape, all_axes] : cases) {
    for (const DType dtype : every()) {
      const bool large = shape.elements() > 1000;
      if (large && dtype != DType::float32 && dtype != DType::int32) continue;
      const Tensor x = sample(shape, 1, dtype, large ? 1.0 : 1.5);
      for (const std::vector<int>& axes : all_axes) {
        Shape kept;
        for (int axis = 0; axis < shape.rank(); ++axis) {
          if (std::find(axes.begin(), axes.end(), axis) == axes.end())
            kept.push_back(shape[static_cast<std::size_t>(axis)]);
        }
        for (int i = 0; i <= static_cast<int>(Reduce::sum_of_abs); ++i) {
          const auto op = static_cast<Reduce>(i);
          const bool truth = op == Reduce::any || op == Reduce::all;
          if (op == Reduce::mean && !nyala::is_floating(dtype)) continue;
          if (dtype == DType::boolean && !truth) continue;
          if (large && op == Reduce::prod) continue;
          alike(
              named("reduce", i, dtype) + " axes " + std::to_string(axes.size()), {x},
              blank(kept, truth ? DType::boolean : dtype), exact_or(dtype),
              [&, axes = axes](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.reduce(op, in[0], axes, y); });
        }
      }
    }
  }
}

namespace {

/// A sample with, in place of some elements, what orders get wrong: NaN, zeros of both signs and infinity, or the ends
/// of an integer type's range.
Tensor with_hard_cases(const Shape& shape, std::uint64_t seed, DType dtype, double scale) {
  if (nyala::is_floating(dtype)) {
    Tensor x = sample(shape, seed, DType::float32, scale);
    float* values = x.data<float>();
    values[4] = values[70] = values[100] = std::nanf("");
    values[71] = -std::nanf("");
    values[10] = -0.0F;
    values[13] = 0.0F;
    values[16] = -std::numeric_limits<float>::infinity();
    values[19] = std::numeric_limits<float>::infinity();
    return gpu_check::in_dtype(x, dtype);
  }
  Tensor x = sample(shape, seed, dtype, scale);
  if (dtype == DType::int64) {
    x.data<std::int64_t>()[10] = std::numeric_limits<std::int64_t>::min();
    x.data<std::int64_t>()[70] = std::numeric_limits<std::int64_t>::max();
  }
  if (dtype == DType::uint64) x.data<std::uint64_t>()[70] = std::numeric_limits<std::uint64_t>::max();
  return x;
}

}  // namespace

TEST_CASE("softgpu: positions of extremes, ties and NaN") {
  for (const DType dtype : every()) {
    const Tensor x = with_hard_cases({3, 40, 4}, 3, dtype, 0.4);
    for (const int axis : {0, 1, 2}) {
      Shape shape = x.shape();
      shape.erase(static_cast<std::size_t>(axis));
      for (const bool maximum : {false, true}) {
        alike(named("arg_reduce", axis, dtype), {x}, blank(shape, DType::int32), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.arg_reduce(maximum, in[0], axis, y); });
      }
    }
  }
}

TEST_CASE("softgpu: scans in both directions") {
  for (const DType dtype : numeric()) {
    for (const Shape& shape : {Shape{3, 50, 2}, Shape{1000}, Shape{2, 7}}) {
      const Tensor x = sample(shape, 5, dtype, 1.0);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        for (const bool reverse : {false, true}) {
          for (const Scan op : {Scan::sum, Scan::prod}) {
            alike(named("scan", axis, dtype), {x}, blank(shape, dtype), exact_or(dtype),
                  [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.scan(op, in[0], axis, reverse, y); });
          }
        }
      }
    }
  }
}

TEST_CASE("softgpu: order, stable, NaN last") {
  for (const DType dtype : every()) {
    const Tensor x = with_hard_cases({2, 30, 3}, 7, dtype, 1.0);
    for (const int axis : {0, 1, 2}) {
      for (const bool descending : {false, true}) {
        const Tensor none;
        alike(named("sort values", axis, dtype), {x}, blank(x.shape(), dtype), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) {
                Tensor indices;
                kernels.sort(in[0], axis, descending, y, indices);
              });
        alike(named("sort indices", axis, dtype), {x}, blank(x.shape(), DType::int32), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) {
                Tensor values;
                kernels.sort(in[0], axis, descending, values, y);
              });
      }
    }
    alike(named("top_k", 2, dtype), {sample({4, 25}, 8, dtype)}, blank({4, 3}, dtype), 0,
          [&](Kernels& kernels, const Tensors& in, Tensor& y) {
            Tensor indices = Tensor::empty({4, 3}, DType::int32, in[0].device());
            kernels.top_k(in[0], 3, y, indices);
          });
  }
}
