#include <span>

#include <nyala/error.hpp>

#include "backend/nn_windows.hpp"

#include "compare.hpp"

using namespace gpu_check;
using nyala::backend::Window;

namespace {

constexpr DType floating_dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16};

DType statistics_of(DType dtype) { return dtype == DType::float64 ? dtype : DType::float32; }

/// Square roots and exponentials in the element's own precision cost a little more than products.
double loose(DType dtype) { return 3 * tolerance_of(dtype); }

Tensor labels_of(const std::vector<double>& values, DType dtype) {
  return in_dtype(from_doubles(values, {static_cast<std::int64_t>(values.size())}, DType::float64), dtype);
}

template <class F>
void for_matrices(F&& fn) {
  for (const DType dtype : floating_dtypes)
    for (const Shape& shape : std::vector<Shape>{{1, 1}, {7, 5}, {33, 70}, {3, 2000}, {300, 3}, {0, 4}}) {
      CAPTURE(nyala::name_of(dtype));
      CAPTURE(shape.str());
      fn(dtype, shape);
    }
}

}  // namespace

TEST_CASE("softgpu: softmax and its logarithm") {
  for_matrices([](DType dtype, const Shape& shape) {
    const Tensor x = noise(shape, 1, dtype), gradient = noise(shape, 2, dtype);
    compare("softmax", {x}, {x}, loose(dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) { k.softmax(in[0], out[0]); });
    compare("softmax_backward", {x, gradient}, {x}, loose(dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) { k.softmax_backward(in[0], in[1], out[0]); });
    compare("log_softmax", {x}, {x}, loose(dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) { k.log_softmax(in[0], out[0]); });
    compare("log_softmax_backward", {x, gradient}, {x}, loose(dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) { k.log_softmax_backward(in[0], in[1], out[0]); });
  });
}

TEST_CASE("softgpu: softmax of infinities and NaN") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = from_doubles({0, -inf, 1, 1000, 999, -1000, 3, 3, 3}, {3, 3}, DType::float32);
  compare("softmax", {x}, {x}, 1e-6, [](Kernels& k, const Tensors& in, Tensors& out) { k.softmax(in[0], out[0]); });
  const Tensor bad = from_doubles({0, std::nan(""), 1, -inf, -inf, -inf}, {2, 3}, DType::float32);
  Tensor out = there(bad);
  gpu().softmax(there(bad), out);
  for (const double value : here(out).to_vector<double>()) CHECK(std::isnan(value));
}

TEST_CASE("softgpu: crossentropy from class numbers") {
  for (const DType dtype : floating_dtypes)
    for (const DType label : {DType::int32, DType::int64}) {
      const Tensor logits = noise({5, 4}, 1, dtype), gradient = noise({5}, 2, dtype);
      const Tensor labels = labels_of({0, 3, 1, 1, 2}, label);
      compare("loss", {logits, labels}, {gradient}, loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) { k.sparse_crossentropy(in[0], in[1], out[0]); });
      compare("gradient", {logits, labels, gradient}, {logits}, loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) {
                k.sparse_crossentropy_backward(in[0], in[1], in[2], out[0]);
              });
    }
}

TEST_CASE("softgpu: batch normalization") {
  for_matrices([](DType dtype, const Shape& shape) {
    const Shape channels{shape[1]};
    const DType wide = statistics_of(dtype);
    const Tensor x = noise(shape, 1, dtype), gradient = noise(shape, 2, dtype), mean = noise(channels, 6, wide);
    Tensor variance = noise(channels, 7, DType::float32);
    for (std::int64_t i = 0; i < variance.size(); ++i) variance.data<float>()[i] += 1.5F;
    variance = in_dtype(variance, wide);
    for (const bool scaled : {false, true}) {
      const Tensor gamma = scaled ? noise(channels, 3, wide) : Tensor(),
                   beta = scaled ? noise(channels, 4, wide) : Tensor();
      compare("train", {x, gamma, beta}, {x, mean, variance}, 10 * loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) {
                k.batch_norm_train(in[0], in[1], in[2], 1e-3, out[0], out[1], out[2]);
              });
      compare("inference", {x, mean, variance, gamma, beta}, {x}, loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) {
                k.batch_norm_inference(in[0], in[1], in[2], in[3], in[4], 1e-3, out[0]);
              });
      if (shape[0] > 0)
        compare("backward", {x, gradient, gamma, mean, variance}, {x, gamma, beta}, 10 * loose(dtype),
                [](Kernels& k, const Tensors& in, Tensors& out) {
                  k.batch_norm_backward(in[0], in[1], in[2], in[3], in[4], 1e-3, out[0], out[1], out[2]);
                });
    }
  });
}

TEST_CASE("softgpu: layer normalization") {
  for_matrices([](DType dtype, const Shape& shape) {
    const Shape units{shape[1]}, rows{shape[0]};
    const DType wide = statistics_of(dtype);
    const Tensor x = noise(shape, 1, dtype), gradient = noise(shape, 2, dtype), mean = noise(rows, 6, wide),
                 inverse = noise(rows, 7, wide);
    for (const bool scaled : {false, true}) {
      const Tensor gamma = scaled ? noise(units, 3, dtype) : Tensor(),
                   beta = scaled ? noise(units, 4, dtype) : Tensor();
      const double tolerance = shape[1] == 1 ? 1.0 : 10 * loose(dtype);  // one value: only rounding is left of x
      compare("forward", {x, gamma, beta}, {x, mean, inverse}, tolerance,
              [](Kernels& k, const Tensors& in, Tensors& out) {
                k.layer_norm(in[0], in[1], in[2], 1e-3, out[0], out[1], out[2]);
              });
      compare("backward", {x, gradient, gamma, mean, inverse}, {x, gamma, beta}, 10 * loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) {
                k.layer_norm_backward(in[0], in[1], in[2], in[3], in[4], out[0], out[1], out[2]);
              });
    }
  });
}

TEST_CASE("softgpu: pooling") {
  auto all = conv_cases();
  all.push_back(conv_case("more padding than window", {2, 4, 4, 3}, {2, 2, 3, 3}, 1, 1, 1, 1));
  for (ConvCase c : all) {
    CAPTURE(c.name);
    c.kernel.back() = c.x.back();  // as many channels out as in
    c.window.groups = 1;
    const Shape out = c.out();
    for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
      CAPTURE(nyala::name_of(dtype));
      const Tensor x = noise(c.x, 1, dtype), gradient = noise(out, 2, dtype);
      Tensor argmax = Tensor::empty(out, DType::int32), pooled = Tensor::empty(out, dtype);
      ReferenceKernels().max_pool(x, c.window, pooled, argmax);
      compare("max", {x}, {gradient, argmax}, 1e-300,
              [&](Kernels& k, const Tensors& in, Tensors& to) { k.max_pool(in[0], c.window, to[0], to[1]); });
      compare("max_backward", {gradient, argmax}, {x}, loose(dtype),
              [&](Kernels& k, const Tensors& in, Tensors& to) { k.max_pool_backward(in[0], in[1], c.window, to[0]); });
      compare("average", {x}, {gradient}, loose(dtype),
              [&](Kernels& k, const Tensors& in, Tensors& to) { k.average_pool(in[0], c.window, to[0]); });
      compare("average_backward", {gradient}, {x}, loose(dtype),
              [&](Kernels& k, const Tensors& in, Tensors& to) { k.average_pool_backward(in[0], c.window, to[0]); });
    }
  }
}

TEST_CASE("softgpu: bilinear resizing") {
  for (const auto& [small, large] : std::vector<std::pair<Shape, Shape>>{{{2, 4, 5, 3}, {2, 9, 7, 3}},
                                                                         {{1, 9, 7, 2}, {1, 4, 5, 2}},
                                                                         {{1, 1, 1, 2}, {1, 3, 4, 2}},
                                                                         {{1, 6, 6, 1}, {1, 1, 1, 1}},
                                                                         {{1, 3, 50, 1}, {1, 31, 2, 1}},
                                                                         {{0, 3, 4, 1}, {0, 6, 8, 1}}})
    for (const DType dtype : floating_dtypes) {
      const Tensor x = noise(small, 1, dtype), gradient = noise(large, 2, dtype);
      compare("resize", {x}, {gradient}, loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) { k.resize_bilinear(in[0], out[0]); });
      compare("resize_backward", {gradient}, {x}, loose(dtype),
              [](Kernels& k, const Tensors& in, Tensors& out) { k.resize_bilinear_backward(in[0], out[0]); });
    }
}

TEST_CASE("softgpu: images at places between their cells") {
  for (const FillMode fill :
       {FillMode::constant, FillMode::nearest, FillMode::wrap, FillMode::mirror, FillMode::reflect})
    for (const bool bilinear : {false, true})
      for (const DType dtype : floating_dtypes) {
        const DType of_places = dtype == DType::float64 ? DType::float64 : DType::float32;
        const auto places = [&](std::uint64_t seed) {
          Tensor numbers = noise({2, 7, 6}, seed, DType::float32);
          for (float& number : std::span(numbers.data<float>(), 84)) number = number * 5 + 1;
          Tensor cast_to = Tensor::empty({2, 7, 6}, of_places);
          ReferenceKernels().cast(numbers, cast_to);
          return cast_to;
        };
        const Tensor rows = places(3), columns = places(4);
        compare("sample_image", {noise({2, 5, 4, 3}, 1, dtype), rows, columns}, {Tensor::empty({2, 7, 6, 3}, dtype)},
                loose(dtype), [&](Kernels& k, const Tensors& in, Tensors& out) {
                  k.sample_image(in[0], in[1], in[2], {bilinear, fill, 0.5}, out[0]);
                });
        for (const auto& [by_rows, by_columns] : {std::pair(0, 0), {1, 0}, {0, 1}, {1, 1}}) {
          if (by_rows + by_columns > 0 && !bilinear) continue;
          compare("sample_image_backward", {noise({2, 7, 6, 3}, 5, dtype), rows, columns},
                  {Tensor::empty({2, 5, 4, 3}, dtype)}, loose(dtype), [&](Kernels& k, const Tensors& in, Tensors& out) {
                    k.sample_image_backward(in[0], in[1], in[2], {bilinear, fill, 0.5, by_rows, by_columns}, out[0]);
                  });
        }
      }
}

TEST_CASE("softgpu: decompositions give the CPU's results and errors") {
  const Tensor x = noise({2, 4, 3}, 1, DType::float32), square = noise({2, 3, 3}, 2, DType::float64);
  compare("qr", {x}, {x, Tensor::empty({2, 3, 3}, DType::float32)}, 1e-5,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.qr(in[0], false, out[0], out[1]); });
  compare("svd", {x}, {x, Tensor::empty({2, 3}, DType::float32), Tensor::empty({2, 3, 3}, DType::float32)}, 1e-5,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.svd(in[0], false, out[0], out[1], out[2]); });
  compare("solve", {square, square}, {square}, 1e-9,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.solve(in[0], in[1], out[0]); });
  compare("determinant", {square}, {Tensor::empty({2}, DType::float64)}, 1e-9,
          [](Kernels& k, const Tensors& in, Tensors& out) { k.determinant(in[0], out[0]); });
  Tensor bad = there(from_doubles({1, 2, 2, 1}, {1, 2, 2}, DType::float64)), out = bad;
  CHECK_THROWS_WITH_AS(gpu().cholesky(bad, out), "cholesky: the matrix is not positive definite", nyala::Error);
}
