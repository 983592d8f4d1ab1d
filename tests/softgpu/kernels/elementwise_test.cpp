#include <nyala/error.hpp>

#include "general.hpp"

using namespace gpu_check;
using namespace nyala::backend;

namespace {

/// Whether the reference has it; then the GPU must, and else must refuse.
bool reference_has(const std::function<void(Kernels&)>& run) {
  ReferenceKernels reference;
  try {
    run(reference);
  } catch (const nyala::Error&) {
    return false;
  }
  return true;
}

}  // namespace

TEST_CASE("softgpu: elementwise functions") {
  for (const DType dtype : every()) {
    for (int i = 0; i <= static_cast<int>(Unary::bitwise_not); ++i) {
      const auto op = static_cast<Unary>(i);
      const UnaryParameters parameters{.a = 0.3};
      for (const Tensor& x : {edges(dtype), sample({3, 5, 7}, 1, dtype, 2.0)}) {
        const DType result = op == Unary::logical_not ? DType::boolean : dtype;
        Tensor out = blank(x.shape(), result);
        if (!reference_has([&](Kernels& kernels) { kernels.unary(op, x, out, parameters); })) {
          Tensor refused = there(out);
          CHECK_THROWS_AS(gpu().unary(op, there(x), refused, parameters), nyala::Error);
          continue;
        }
        alike(named("unary", i, dtype), {x}, out, exact_or(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.unary(op, in[0], y, parameters); });
      }
    }
  }
}

TEST_CASE("softgpu: derivatives of elementwise functions") {
  for (const DType dtype : floats) {
    for (int i = 0; i <= static_cast<int>(Unary::mish); ++i) {
      const auto op = static_cast<Unary>(i);
      const UnaryParameters parameters{.a = 0.3};
      const Tensor x = sample({4, 9}, 2, dtype, 0.9), gradient = sample({4, 9}, 3, dtype);
      for (const bool with_y : {false, true}) {
        Tensor y = with_y ? blank(x.shape(), dtype) : Tensor();
        if (with_y) ReferenceKernels().unary(op, x, y, parameters);
        alike(named("unary_backward", i, dtype), {x, y, gradient}, blank(x.shape(), dtype), 2 * tolerance_of(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& out) {
                kernels.unary_backward(op, in[0], in[1], in[2], out, parameters);
              });
      }
    }
  }
}

TEST_CASE("softgpu: predicates") {
  for (const DType dtype : every()) {
    for (const Predicate op : {Predicate::isnan, Predicate::isinf, Predicate::isfinite}) {
      alike(named("predicate", static_cast<int>(op), dtype), {edges(dtype)},
            blank(edges(dtype).shape(), DType::boolean), 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& out) { kernels.predicate(op, in[0], out); });
    }
  }
}

TEST_CASE("softgpu: operations of two tensors, broadcast") {
  const std::vector<std::array<Shape, 3>> shapes{{Shape{4, 6}, Shape{4, 6}, Shape{4, 6}},
                                                 {Shape{3, 1, 5}, Shape{2, 1}, Shape{3, 2, 5}},
                                                 {Shape{}, Shape{2, 3}, Shape{2, 3}},
                                                 {Shape{0, 3}, Shape{3}, Shape{0, 3}}};
  for (const DType dtype : every()) {
    for (const auto& [a_shape, b_shape, shape] : shapes) {
      const Tensor a = sample(a_shape, 4, dtype), b = sample(b_shape, 5, dtype, 3.0);
      for (int i = 0; i <= static_cast<int>(Binary::logical_xor); ++i) {
        const auto op = static_cast<Binary>(i);
        Tensor out = blank(shape, op >= Binary::logical_and ? DType::boolean : dtype);
        if (!reference_has([&](Kernels& kernels) { kernels.binary(op, a, b, out); })) {
          Tensor refused = there(out);
          CHECK_THROWS_AS(gpu().binary(op, there(a), there(b), refused), nyala::Error);
          continue;
        }
        alike(named("binary", i, dtype), {a, b}, out, exact_or(dtype),
              [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.binary(op, in[0], in[1], y); });
      }
      for (int i = 0; i <= static_cast<int>(Compare::greater_equal); ++i) {
        alike(named("compare", i, dtype), {a, b}, blank(shape, DType::boolean), 0,
              [&](Kernels& kernels, const Tensors& in, Tensor& y) {
                kernels.compare(static_cast<Compare>(i), in[0], in[1], y);
              });
      }
      alike(named("where", 0, dtype), {sample(b_shape, 6, DType::boolean, 0.1), a, b}, blank(shape, dtype), 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& y) { kernels.where(in[0], in[1], in[2], y); });
    }
  }
}

TEST_CASE("softgpu: fill, range, conversion") {
  for (const DType dtype : every()) {
    for (const double value : {0.0, 1.0, -2.5, 1e30}) {
      alike(named("fill", 0, dtype), {}, blank({5, 3}, dtype), 0,
            [&](Kernels& kernels, const Tensors&, Tensor& out) { kernels.fill(out, value); });
    }
    alike(named("fill_integer", 0, dtype), {}, blank({7}, dtype), 0,
          [&](Kernels& kernels, const Tensors&, Tensor& out) { kernels.fill_integer(out, 9007199254740993); });
    alike(named("arange", 0, dtype), {}, blank({9}, dtype), 0,
          [&](Kernels& kernels, const Tensors&, Tensor& out) { kernels.arange(out, -3.0, 0.75); });
    for (const DType other : every()) {
      alike(named("cast", static_cast<int>(other), dtype), {edges(dtype)}, blank(edges(dtype).shape(), other), 0,
            [&](Kernels& kernels, const Tensors& in, Tensor& out) { kernels.cast(in[0], out); });
    }
  }
}
