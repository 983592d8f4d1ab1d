#include <algorithm>
#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "backend/simd_support.hpp"

using namespace nyala;
using namespace nyala::backend;
using nyala::test::distance;
using nyala::test::noise;

namespace {

Tensor like(const Tensor& x) { return Tensor::empty(x.shape(), x.dtype()); }

const std::vector<Shape>& row_shapes() {
  static const std::vector<Shape> shapes = {{1, 1},  {3, 1},  {4, 3},  {5, 7},    {2, 8},    {6, 10},     {3, 16},
                                            {3, 17}, {2, 33}, {7, 64}, {3, 1000}, {40, 100}, {1500, 100}, {0, 4}};
  return shapes;
}

/// Checks kernel(kernels, outputs) on both sides.
template <class F>
void check_same(SimdKernels& simd, const std::vector<Tensor>& templates, double tolerance, F&& run) {
  ReferenceKernels reference;
  std::vector<Tensor> got, expected;
  for (const Tensor& one : templates) {
    got.push_back(one.defined() ? one.clone() : Tensor());
    expected.push_back(one.defined() ? one.clone() : Tensor());
  }
  run(static_cast<Kernels&>(simd), got);
  run(static_cast<Kernels&>(reference), expected);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    if (got[i].defined()) CHECK(distance(got[i], expected[i]) < tolerance);
  }
  if (templates.front().size() > 100000) {
    CHECK(test::equal_for_threads([&] {
      std::vector<Tensor> outputs;
      for (const Tensor& one : templates) outputs.push_back(one.defined() ? one.clone() : Tensor());
      run(static_cast<Kernels&>(simd), outputs);
      return outputs.back().defined() ? outputs.back() : outputs.front();
    }));
  }
}

/// Batch normalisation with what follows it, and its gradient, in the gradient's memory too.
void check_followed(SimdKernels& simd, const Tensor& x, const Tensor& g, const Tensor& gamma, const Tensor& beta) {
  const Tensor residual = noise(x.shape(), -4, 7, 8), channels = noise({x.shape()[1]});
  const Tensor wanted = gamma.defined() ? channels : Tensor();
  for (const Unary activation : {Unary::relu, Unary::relu6, Unary::tanh}) {
    for (const Tensor& added : {residual, Tensor()}) {
      check_same(simd, {x, channels, channels}, 5e-6, [&](Kernels& k, std::vector<Tensor>& out) {
        k.batch_norm_activation_train(activation, x, gamma, beta, added, 1e-3, out[0], out[1], out[2]);
      });
      Tensor y = like(x), moments[2] = {like(channels), like(channels)};
      ReferenceKernels().batch_norm_activation_train(activation, x, gamma, beta, added, 1e-3, y, moments[0],
                                                     moments[1]);
      const Tensor of_added = added.defined() ? x : Tensor();
      check_same(simd, {x, wanted, wanted, of_added}, 5e-6, [&](Kernels& k, std::vector<Tensor>& out) {
        const auto gradients = [&](const Tensor& gradient, std::vector<Tensor>& to) {
          k.batch_norm_activation_backward(activation, x, y, gradient, gamma, beta, added, moments[0], moments[1], 1e-3,
                                           to[0], to[1], to[2], to[3]);
        };
        gradients(g, out);
        std::vector<Tensor> again;
        for (const Tensor& one : {x, wanted, wanted, of_added}) again.push_back(one.defined() ? like(one) : Tensor());
        Tensor& place = again[added.defined() ? 3 : 0];
        place = g.clone();
        gradients(place, again);
        for (std::size_t i = 0; i < out.size(); ++i)
          if (out[i].defined()) CHECK(test::same_bits(again[i], out[i]));
        if (!added.defined()) return;
        again[3] = Tensor();  // nobody asks for the residual's
        gradients(g, again);
        CHECK(test::same_bits(again[0], out[0]));
      });
    }
  }
}

}  // namespace

TEST_CASE("the gradient of an activation with its sums by column, in place too, matches the reference") {
  test::for_each_isa([](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const Shape& shape : row_shapes()) {
      for (const DType dtype : {DType::float32, DType::bfloat16, DType::float16}) {
        CAPTURE(shape.str());
        const auto in_dtype = [&](const Tensor& x) {
          Tensor out = Tensor::empty(x.shape(), dtype);
          ReferenceKernels().cast(x, out);
          return out;
        };
        const Tensor x = in_dtype(noise(shape)), g = in_dtype(noise(shape, -1, 1, 3));
        const Tensor channels = in_dtype(noise({shape[1]}));
        for (const auto activation : {FusedActivation::relu, FusedActivation::sigmoid, FusedActivation::gelu}) {
          AppliedActivation applied;
          applied.activation = activation;
          (activation == FusedActivation::gelu ? applied.before : applied.after) = x;
          for (const Tensor& sums : {channels, Tensor()}) {
            // The reference sums what was rounded to halves already.
            const double rows = static_cast<double>(shape[0]);
            const double tolerance = dtype == DType::float32 ? 5e-6 : 2e-2 * std::max(1.0, std::sqrt(rows) / 2);
            const auto twice = [&](Kernels& k, std::vector<Tensor>& out) {
              k.activation_backward(applied, g, out[0], out[1]);
              Tensor again = sums.defined() ? like(sums) : Tensor();
              Tensor place = g.clone();
              k.activation_backward(applied, place, place, again);
              CHECK(test::same_bits(place, out[0]));
              if (sums.defined()) CHECK(test::same_bits(again, out[1]));
            };
            check_same(simd, {x, sums}, tolerance, twice);
          }
        }
      }
    }
  });
}

TEST_CASE("vectorised softmax and crossentropy match the reference") {
  test::for_each_isa([](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const Shape& shape : row_shapes()) {
      CAPTURE(shape.str());
      for (const double size : {1.0, 60.0}) {
        const Tensor x = noise(shape, -size, size), g = noise(shape, -1, 1, 3), per_row = noise({shape[0]}, -1, 1, 4);
        const Tensor labels = test::numbers(test::values(noise({shape[0]}, 0, static_cast<double>(shape[1]) - 0.01, 9)),
                                            DType::int32, {shape[0]});
        check_same(simd, {x}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) { k.softmax(x, out[0]); });
        check_same(simd, {x}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) { k.log_softmax(x, out[0]); });
        Tensor y = like(x), log_y = like(x);
        ReferenceKernels().softmax(x, y);
        ReferenceKernels().log_softmax(x, log_y);
        check_same(simd, {x}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) { k.softmax_backward(y, g, out[0]); });
        check_same(simd, {x}, 1e-5,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.log_softmax_backward(log_y, g, out[0]); });
        check_same(simd, {per_row}, 2e-6,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.sparse_crossentropy(x, labels, out[0]); });
        check_same(simd, {x}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) {
          k.sparse_crossentropy_backward(x, labels, per_row, out[0]);
        });
      }
    }
  });
}

TEST_CASE("vectorised normalisations match the reference") {
  test::for_each_isa([](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const Shape& shape : row_shapes()) {
      CAPTURE(shape.str());
      for (const double offset : {0.0, 1000.0}) {
        for (const bool affine : {true, false}) {
          // A mean a thousand times the spread costs three digits in float32 whatever the order of summation.
          const double tolerance = offset == 0 ? 5e-6 : 2e-3;
          const Tensor x = noise(shape, offset - 1, offset + 1), g = noise(shape, -1, 1, 3);
          const Tensor rows = noise({shape[0]}), channels = noise({shape[1]});
          const Tensor gamma = affine ? noise({shape[1]}, 0.5, 1.5, 5) : Tensor(),
                       beta = affine ? noise({shape[1]}, -1, 1, 6) : Tensor();
          check_same(simd, {x, rows, rows}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.layer_norm(x, gamma, beta, 1e-3, out[0], out[1], out[2]);
          });
          check_same(simd, {x, Tensor(), Tensor()}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.layer_norm(x, gamma, beta, 1e-3, out[0], out[1], out[2]);
          });
          Tensor y = like(x), mean = like(rows), inverse = like(rows), channel_mean = like(channels),
                 variance = like(channels);
          ReferenceKernels().layer_norm(x, gamma, beta, 1e-3, y, mean, inverse);
          const Tensor wanted = affine ? channels : Tensor();
          check_same(simd, {x, wanted, wanted}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.layer_norm_backward(x, g, gamma, mean, inverse, out[0], out[1], out[2]);
            Tensor place = g.clone(), none;
            k.layer_norm_backward(x, place, gamma, mean, inverse, place, none, none);
            CHECK(test::same_bits(place, out[0]));
          });
          check_same(simd, {x, channels, channels}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.batch_norm_train(x, gamma, beta, 1e-3, out[0], out[1], out[2]);
          });
          ReferenceKernels().batch_norm_train(x, gamma, beta, 1e-3, y, channel_mean, variance);
          check_same(simd, {x, wanted, wanted}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.batch_norm_backward(x, g, gamma, channel_mean, variance, 1e-3, out[0], out[1], out[2]);
            Tensor place = g.clone(), none;
            k.batch_norm_backward(x, place, gamma, channel_mean, variance, 1e-3, place, none, none);
            CHECK(test::same_bits(place, out[0]));
          });
          if (offset == 0) check_followed(simd, x, g, gamma, beta);
          check_same(simd, {x}, tolerance, [&](Kernels& k, std::vector<Tensor>& out) {
            k.batch_norm_inference(x, channel_mean, variance, gamma, beta, 1e-3, out[0]);
          });
        }
      }
    }
  });
}

TEST_CASE("vectorised pooling matches the reference") {
  test::for_each_isa([](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const std::int64_t channels : {1, 3, 8, 17, 32}) {
      // Overlapping; apart with cells between them or left at the end; each cell in one window.
      const std::vector<Window> windows = {
          {.rank = 2, .size = {3, 2, 1}, .strides = {1, 1, 1}, .pad_before = {1, 0, 0}, .pad_after = {1, 1, 0}},
          {.rank = 2, .size = {3, 2, 1}, .strides = {2, 2, 1}, .pad_before = {1, 0, 0}, .pad_after = {1, 1, 0}},
          {.rank = 2, .size = {2, 2, 1}, .strides = {3, 2, 1}},
          {.rank = 2, .size = {2, 2, 1}, .strides = {2, 2, 1}},
          {.rank = 2, .size = {3, 2, 1}, .strides = {3, 2, 1}}};
      for (const Window& window : windows) {
        const Tensor x = noise({5, 9, 8, channels});
        const auto outputs = [&](std::size_t axis, std::int64_t length) {
          const std::int64_t whole = length + window.pad_before[axis] + window.pad_after[axis];
          return (whole - window.size[axis]) / window.strides[axis] + 1;
        };
        const Shape out_shape{5, outputs(0, 9), outputs(1, 8), channels};
        const Tensor y = Tensor::empty(out_shape, DType::float32), g = noise(out_shape, -1, 1, 3);
        Tensor places = Tensor::empty(out_shape, DType::int32), best = like(y);
        ReferenceKernels().fill(places, 0);
        check_same(simd, {g, places}, 1e-7,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.max_pool(x, window, out[0], out[1]); });
        check_same(simd, {g, Tensor()}, 1e-7,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.max_pool(x, window, out[0], out[1]); });
        ReferenceKernels().max_pool(x, window, best, places);
        check_same(simd, {x}, 1e-6,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.max_pool_backward(g, places, window, out[0]); });
        check_same(simd, {g}, 1e-6, [&](Kernels& k, std::vector<Tensor>& out) { k.average_pool(x, window, out[0]); });
        check_same(simd, {x}, 1e-6,
                   [&](Kernels& k, std::vector<Tensor>& out) { k.average_pool_backward(g, window, out[0]); });
      }
    }
  });
}

TEST_CASE("vectorised optimizer steps match the reference") {
  test::for_each_isa([](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const std::int64_t n : test::lengths) {
      CAPTURE(n);
      const Tensor g = noise({n}, -1, 1, 2), w = noise({n}), m = noise({n}, -1, 1, 3), v = noise({n}, 0.1, 1, 4),
                   v_hat = noise({n}, 0.1, 1, 5), none;
      for (const bool amsgrad : {false, true}) {
        check_same(simd, {w, m, v, amsgrad ? v_hat : none}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) {
          const StepVariable all[]{{g, &out[0], {&out[1], &out[2], &out[3]}, amsgrad ? 1e-4 : 0.0}};
          k.adam_step({0.01, 0.9, 0.999, 1e-7}, all);
        });
      }
      for (const bool nesterov : {false, true}) {
        check_same(simd, {w, m}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) {
          const StepVariable all[]{{g, &out[0], {&out[1]}, 0.001}};
          k.sgd_step({0.1, 0.9, nesterov}, all);
        });
      }
      check_same(simd, {w, none}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) {
        const StepVariable all[]{{g, &out[0], {&out[1]}, 0.0}};
        k.sgd_step({0.1, 0, false}, all);
      });
      check_same(simd, {w, v, m}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) {
        Tensor average;
        const StepVariable all[]{{g, &out[0], {&out[1], &out[2], &average}, 1e-4}};
        k.rmsprop_step({0.01, 0.9, 0.5, 1e-7}, all);
      });
      check_same(simd, {w, v_hat, m}, 1e-5, [&](Kernels& k, std::vector<Tensor>& out) {
        Tensor momentum, average = m.clone();
        ReferenceKernels().unary(Unary::abs, m, average, {});
        Tensor raised = v.clone();
        ReferenceKernels().binary(Binary::add, v, test::numbers({2}, DType::float32), raised);
        const StepVariable all[]{{g, &out[0], {&raised, &momentum, &average}, 0.0}};
        k.rmsprop_step({0.01, 0.9, 0, 1e-3}, all);
      });
    }
  });
}

TEST_CASE("vectorised steps of one formula match the reference") {
  const RuleStep rules[]{{StepRule::adagrad, {0.01, 1e-7}},
                         {StepRule::adadelta, {0.5, 0.95, 1e-7}},
                         {StepRule::adamax, {0.01, 0.9, 0.999, 1e-7}},
                         {StepRule::nadam, {0.01, 0.9, 0.999, 1e-7, 0.5, 0.4, 0.01}},
                         {StepRule::lion, {0.01, 0.9, 0.99}},
                         {StepRule::ftrl, {0.1, 0.05, 0.02, 0.3, 0.5}},
                         {StepRule::ftrl, {0.1, 0.05, 0.02, 0.3, 0.7}}};
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const std::int64_t n : test::lengths) {
      CAPTURE(n);
      const Tensor g = noise({n}, -1, 1, 2), w = noise({n}), first = noise({n}, 0.1, 1, 3),
                   second = noise({n}, 0.1, 1, 4);
      for (const RuleStep& rule : rules) {
        CAPTURE(static_cast<int>(rule.rule));
        for (const double decay : {0.0, 1e-2})
          check_same(simd, {w, first, second}, 2e-5, [&](Kernels& k, std::vector<Tensor>& out) {
            Tensor none;
            const StepVariable all[]{{g, &out[0], {&out[1], &out[2], &none}, decay}};
            k.rule_step(rule, all);
          });
      }
    }
  });
}

TEST_CASE("a step of one formula leaves zeros, NaN and infinities as its operations do") {
  const Tensor g = test::numbers({0.0, -0.0, NAN, INFINITY, -INFINITY}, DType::float32);
  test::for_each_isa([&](SimdKernels& simd) {
    CAPTURE(simd.name());
    for (const StepRule rule : {StepRule::adamax, StepRule::lion}) {
      Tensor w = test::numbers({1, 1, 1, 1, 1}, DType::float32), m = test::numbers({0, 0, 0, 0, 0}, DType::float32),
             u = m.clone(), none, expected = w.clone(), m_2 = m.clone(), u_2 = m.clone();
      const StepVariable found[]{{g, &w, {&m, &u, &none}, 0.0}}, reference[]{{g, &expected, {&m_2, &u_2, &none}, 0.0}};
      const RuleStep step{rule, {0.1, 0.5, 0.5, 0.25}};
      simd.rule_step(step, found);
      ReferenceKernels().rule_step(step, reference);
      for (int i = 0; i < 5; ++i) {
        CAPTURE(i);
        const float a = w.data<float>()[i], b = expected.data<float>()[i];
        CHECK((a == b || (std::isnan(a) && std::isnan(b))));
      }
    }
  });
}

TEST_CASE("vectorised bilinear resizing matches the reference") {
  test::for_each_isa([&](SimdKernels& simd) {
    const std::vector<std::pair<Shape, Shape>> cases = {
        {{2, 3, 5, 2}, {2, 7, 4, 2}},     {{1, 1, 4, 1}, {1, 1, 8, 1}},     {{2, 4, 4, 17}, {2, 4, 4, 17}},
        {{3, 6, 2, 33}, {3, 1, 5, 33}},   {{1, 5, 5, 3}, {1, 10, 15, 3}},   {{2, 1, 1, 4}, {2, 3, 2, 4}},
        {{6, 32, 32, 8}, {6, 64, 64, 8}}, {{9, 40, 40, 8}, {9, 20, 13, 8}},
    };
    for (const auto& [small, large] : cases) {
      CAPTURE(small.str() + large.str());
      Tensor x = noise(small), gradient = noise(large);
      x.data<float>()[0] = std::numeric_limits<float>::infinity();
      check_same(simd, {gradient}, 2e-6, [&](Kernels& k, std::vector<Tensor>& out) { k.resize_bilinear(x, out[0]); });
      check_same(simd, {x}, 5e-6,
                 [&](Kernels& k, std::vector<Tensor>& out) { k.resize_bilinear_backward(gradient, out[0]); });
    }
  });
}
