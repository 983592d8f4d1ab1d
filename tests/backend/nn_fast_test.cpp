#include <nyala/threads.hpp>

#include "backend/cpu/reference/reference_kernels.hpp"
#include "nn_check.hpp"
#include "nn_windows.hpp"
#include "support/build_kind.hpp"

using namespace nn_check;
using nyala::FusedActivation;
using nyala::backend::Kernels;
using nyala::backend::ReferenceKernels;
using nyala::backend::Window;

// The fast path, which the machine and the build choose, beside the reference.

namespace {

constexpr DType f32 = DType::float32;

Kernels& fast_kernels() { return nyala::backend::kernels_for(nyala::Device()); }

/// Sets the number of threads and sets it back.
struct Threads {
  explicit Threads(int count) : before(nyala::num_threads()) { nyala::set_num_threads(count); }
  ~Threads() { nyala::set_num_threads(before); }
  int before;
};

Tensor in_dtype(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor out = Tensor::empty(x.shape(), dtype);
  ReferenceKernels().cast(x, out);
  return out;
}

Tensor noise(const Tensor& like, std::uint64_t seed) { return in_dtype(random(like.shape(), seed, f32), like.dtype()); }

/// What `run` puts into `out` is near what the reference puts there, and the same to the bit with 1, 2 and 3 threads.
template <class F>
void compare(const std::string& what, const Tensor& out, double tolerance, F&& run) {
  INFO(what << " " << out.shape().str());
  Kernels& fast = fast_kernels();
  ReferenceKernels reference;
  Tensor expected = noise(out, 99), found = noise(out, 98);
  run(static_cast<Kernels&>(reference), expected);
  {
    const Threads one(1);
    run(fast, found);
  }
  CHECK(difference(found, expected) < tolerance);
  for (const int threads : {2, 3}) {
    const Threads several(threads);
    Tensor again = noise(out, 97);
    run(fast, again);
    CHECK(same_bits(again, found));
  }
}

std::vector<ConvCase> fast_cases() {
  auto cases = conv_cases();
  cases.push_back(conv_case("many samples", {37, 14, 14, 32}, {3, 3, 32, 32}, 1, 1, 1, 1));
  cases.push_back(conv_case("one large sample", {1, 56, 40, 32}, {3, 3, 32, 48}, 1, 1, 1, 1));
  cases.push_back(conv_case("one large sample, strided, dilated apart", {1, 61, 40, 24}, {5, 3, 24, 40}, 2, 1, 2, 2));
  cases.push_back(conv_case("one long row", {1, 2000, 32}, {5, 32, 64}, 1, 2, 8, 0));
  cases.push_back(conv_case("depthwise, many", {9, 30, 30, 48}, {3, 3, 1, 48}, 1, 1, 1, 1));
  cases.push_back(conv_case("more padding than window", {2, 4, 4, 3}, {2, 2, 3, 4}, 1, 1, 3, 3));
  return cases;
}

}  // namespace

TEST_CASE("fast: convolution, forward and backward") {
  for (const ConvCase& c : fast_cases()) {
    CAPTURE(c.name);
    const auto [x, kernel, bias] = operands_of(c, f32);
    const Tensor gradient = random(c.out(), 4, f32);
    Tensor none;
    compare("conv", zeros(c.out(), f32), 1e-5,
            [&](Kernels& k, Tensor& out) { k.conv(x, kernel, bias, c.window, FusedActivation::none, none, out); });
    compare("conv without bias, relu", zeros(c.out(), f32), 1e-5,
            [&](Kernels& k, Tensor& out) { k.conv(x, kernel, none, c.window, FusedActivation::relu, none, out); });
    compare("data", zeros(c.x, f32), 1e-5,
            [&](Kernels& k, Tensor& out) { k.conv_backward_data(gradient, kernel, c.window, out); });
    compare("filter", zeros(c.kernel, f32), 1e-4,
            [&](Kernels& k, Tensor& out) { k.conv_backward_filter(x, gradient, c.window, out); });
  }
}

TEST_CASE("fast: convolution with every activation, and the value before it") {
  const ConvCase c = conv_case("2-D", {5, 9, 8, 6}, {3, 3, 6, 20});
  const auto [x, kernel, bias] = operands_of(c, f32);
  for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu}) {
    CAPTURE(static_cast<int>(activation));
    Tensor none, before = zeros(c.out(), f32);
    compare("out", zeros(c.out(), f32), 1e-5,
            [&](Kernels& k, Tensor& out) { k.conv(x, kernel, bias, c.window, activation, none, out); });
    compare("out with before", zeros(c.out(), f32), 1e-5,
            [&](Kernels& k, Tensor& out) { k.conv(x, kernel, bias, c.window, activation, before, out); });
    compare("before", zeros(c.out(), f32), 1e-5, [&](Kernels& k, Tensor& out) {
      Tensor result = zeros(c.out(), f32);
      k.conv(x, kernel, bias, c.window, activation, out, result);
    });
  }
}

TEST_CASE("fast: dense layers of all sizes") {
  for (const auto& [rows, in, units] : std::vector<std::array<std::int64_t, 3>>{{8, 16, 8},
                                                                                {1, 1, 1},
                                                                                {0, 4, 5},
                                                                                {3, 5, 7},
                                                                                {1, 784, 512},
                                                                                {1, 4100, 10},
                                                                                {1, 1333, 77},
                                                                                {1, 100, 9000},
                                                                                {2, 784, 512},
                                                                                {3, 901, 333},
                                                                                {4, 260, 517},
                                                                                {33, 70, 129},
                                                                                {128, 100, 512},
                                                                                {300, 64, 10},
                                                                                {5, 40, 17},
                                                                                {700, 130, 31},
                                                                                {4, 0, 3}}) {
    const Tensor x = random({rows, in}, 1, f32), kernel = random({in, units}, 2, f32), bias = random({units}, 3, f32);
    for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::sigmoid,
                                  FusedActivation::tanh, FusedActivation::gelu, FusedActivation::silu}) {
      CAPTURE(static_cast<int>(activation));
      Tensor none;
      const Shape out{rows, units};
      compare("dense", zeros(out, f32), 1e-5,
              [&](Kernels& k, Tensor& y) { k.dense(x, kernel, bias, activation, none, y); });
      compare("before", zeros(out, f32), 1e-5, [&](Kernels& k, Tensor& before) {
        Tensor y = zeros(out, f32);
        k.dense(x, kernel, none, activation, before, y);
      });
    }
  }
}

TEST_CASE("fast: matrix products, transposed, batched, added") {
  for (const auto& [batch, m, n, k] : std::vector<std::array<std::int64_t, 4>>{{1, 4, 4, 4},
                                                                               {3, 17, 33, 9},
                                                                               {1, 512, 300, 64},
                                                                               {1, 40, 700, 90},
                                                                               {24, 33, 34, 35},
                                                                               {2, 1, 1, 1},
                                                                               {5, 3, 0, 2},
                                                                               {2, 3, 4, 0},
                                                                               {1, 1, 257, 300},
                                                                               {2, 2, 517, 260},
                                                                               {1, 4, 300, 250},
                                                                               {7, 64, 1, 64}})
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true})
        for (const bool add : {false, true})
          for (const bool shared : {false, true}) {
            INFO(transpose_a << transpose_b << add << shared);
            const Tensor a = random(transpose_a ? Shape{batch, k, m} : Shape{batch, m, k}, 1, f32);
            const std::int64_t of_b = shared ? 1 : batch;
            const Tensor b = random(transpose_b ? Shape{of_b, n, k} : Shape{of_b, k, n}, 2, f32);
            const Tensor before = random({batch, m, n}, 3, f32);
            compare("matmul", before, 1e-5, [&](Kernels& kernels, Tensor& out) {
              if (add) kernels.copy(before, out);
              kernels.matmul(a, b, transpose_a, transpose_b, add, out);
            });
          }
}

TEST_CASE("fast: bfloat16 rounds its results only") {
  constexpr DType bf16 = DType::bfloat16;
  const double tolerance = 0.01;
  Tensor none;
  for (const ConvCase& c : fast_cases()) {
    CAPTURE(c.name);
    const Tensor x = in_dtype(random(c.x, 1, f32), bf16), kernel = in_dtype(random(c.kernel, 2, f32), bf16);
    const Tensor bias = in_dtype(random({c.kernel.back()}, 3, f32), bf16);
    const Tensor gradient = in_dtype(random(c.out(), 4, f32), bf16), out = in_dtype(zeros(c.out(), f32), bf16);
    compare("conv", out, tolerance,
            [&](Kernels& k, Tensor& y) { k.conv(x, kernel, bias, c.window, FusedActivation::relu, none, y); });
    compare("conv with before", out, tolerance, [&](Kernels& k, Tensor& y) {
      Tensor before = in_dtype(zeros(c.out(), f32), bf16);
      k.conv(x, kernel, none, c.window, FusedActivation::tanh, before, y);
    });
    compare("data", x, tolerance, [&](Kernels& k, Tensor& y) { k.conv_backward_data(gradient, kernel, c.window, y); });
    compare("filter", kernel, tolerance,
            [&](Kernels& k, Tensor& y) { k.conv_backward_filter(x, gradient, c.window, y); });
  }
  for (const auto& [batch, m, n, k] : std::vector<std::array<std::int64_t, 4>>{{1, 8, 8, 16},
                                                                               {1, 300, 200, 160},
                                                                               {5, 17, 33, 9},
                                                                               {40, 64, 64, 32},
                                                                               {1, 1, 10, 784},
                                                                               {1, 600, 700, 40},
                                                                               {1, 50, 1000, 64},
                                                                               {2, 3, 4, 0}}) {
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true})
        for (const bool add : {false, true}) {
          if (build_kind::slow && (add || transpose_a) && m * n * k > 1'000'000) continue;
          INFO(transpose_a << transpose_b << add);
          const Tensor a = in_dtype(random(transpose_a ? Shape{batch, k, m} : Shape{batch, m, k}, 1, f32), bf16);
          const Tensor b = in_dtype(random(transpose_b ? Shape{1, n, k} : Shape{1, k, n}, 2, f32), bf16);
          const Tensor before = in_dtype(random({batch, m, n}, 3, f32), bf16);
          compare("matmul", before, tolerance, [&](Kernels& kernels, Tensor& out) {
            if (add) kernels.copy(before, out);
            kernels.matmul(a, b, transpose_a, transpose_b, add, out);
          });
        }
    const Tensor x = in_dtype(random({m, k}, 1, f32), bf16), kernel = in_dtype(random({k, n}, 2, f32), bf16);
    const Tensor bias = in_dtype(random({n}, 3, f32), bf16);
    for (const auto activation : {FusedActivation::none, FusedActivation::relu, FusedActivation::gelu})
      compare("dense", in_dtype(zeros({m, n}, f32), bf16), tolerance,
              [&](Kernels& kernels, Tensor& out) { kernels.dense(x, kernel, bias, activation, none, out); });
  }
}

TEST_CASE("fast: float16 and bfloat16 element by element, summed and normalised") {
  using nyala::backend::Binary;
  using nyala::backend::Reduce;
  using nyala::backend::Unary;
  Tensor none;
  for (const DType half : {DType::float16, DType::bfloat16}) {
    const double tolerance = half == DType::float16 ? 2e-3 : 0.02;
    for (const Shape& shape : {Shape{1, 1}, Shape{3, 5}, Shape{300, 70}, Shape{7, 2500}, Shape{40, 1024}}) {
      const std::int64_t rows = shape[0], n = shape[1];
      const auto numbers = [&](const Shape& of, std::uint64_t seed) { return in_dtype(random(of, seed, f32), half); };
      const Tensor x = numbers(shape, 1), y = numbers(shape, 2), row = numbers({n}, 3), one = numbers({}, 4);
      const Tensor gamma = random({n}, 5, f32), beta = random({n}, 6, f32), middle = random({n}, 7, f32);
      const Tensor out = in_dtype(zeros(shape, f32), half);
      for (const Unary op : {Unary::relu, Unary::tanh, Unary::gelu, Unary::square}) {
        compare("unary", out, tolerance, [&](Kernels& k, Tensor& to) { k.unary(op, x, to); });
        compare("unary_backward", out, tolerance, [&](Kernels& k, Tensor& to) {
          const bool by_y = op == Unary::relu || op == Unary::tanh;
          k.unary_backward(op, by_y ? none : x, by_y ? x : none, y, to);
        });
      }
      for (const Tensor& other : {y, row, one})
        for (const Binary op : {Binary::add, Binary::multiply, Binary::maximum}) {
          compare("binary", out, tolerance, [&](Kernels& k, Tensor& to) { k.binary(op, x, other, to); });
          compare("binary, turned", out, tolerance, [&](Kernels& k, Tensor& to) { k.binary(op, other, x, to); });
        }
      const std::array<int, 1> first{0}, last{1};
      compare("mean of columns", in_dtype(zeros({n}, f32), half), tolerance,
              [&](Kernels& k, Tensor& to) { k.reduce(Reduce::mean, x, first, to); });
      compare("maxima of rows", in_dtype(zeros({rows}, f32), half), tolerance,
              [&](Kernels& k, Tensor& to) { k.reduce(Reduce::max, x, last, to); });
      compare("dropout", out, tolerance, [&](Kernels& k, Tensor& to) { k.dropout({1, 2}, 0.4, x, to); });
      Tensor mean = zeros({n}, f32), variance = random({n}, 8, f32);
      for (std::int64_t i = 0; i < n; ++i) variance.data<float>()[i] = 0.5F + std::abs(variance.data<float>()[i]);
      compare("batch norm, inference", out, 2 * tolerance,
              [&](Kernels& k, Tensor& to) { k.batch_norm_inference(x, middle, variance, gamma, beta, 1e-3, to); });
      compare("batch norm, backward", out, 2 * tolerance, [&](Kernels& k, Tensor& to) {
        Tensor dgamma = zeros({n}, f32), dbeta = zeros({n}, f32);
        k.batch_norm_backward(x, y, gamma, middle, variance, 1e-3, to, dgamma, dbeta);
      });
      if (rows > 1)
        compare("batch norm, training", out, 3 * tolerance, [&](Kernels& k, Tensor& to) {
          Tensor of_batch = zeros({n}, f32);
          k.batch_norm_train(x, gamma, beta, 1e-1, to, mean, of_batch);
        });
      for (const Unary activation : {Unary::relu, Unary::relu6})
        for (const Tensor& residual : {y, none}) {
          if (rows > 1)
            compare("batch norm and activation, training", out, 4 * tolerance, [&](Kernels& k, Tensor& to) {
              Tensor of_batch = zeros({n}, f32);
              k.batch_norm_activation_train(activation, x, gamma, beta, residual, 1e-1, to, mean, of_batch);
            });
          Tensor normal = in_dtype(zeros(shape, f32), half);
          ReferenceKernels reference;
          reference.batch_norm_inference(x, middle, variance, gamma, beta, 1e-3, normal);
          if (residual.defined()) reference.binary(Binary::add, normal, residual, normal);
          static_cast<Kernels&>(reference).unary(activation, normal, normal);
          compare("batch norm and activation, backward", out, 2 * tolerance, [&](Kernels& k, Tensor& to) {
            Tensor dgamma = zeros({n}, f32), dbeta = zeros({n}, f32);
            Tensor of_residual = residual.defined() ? in_dtype(zeros(shape, f32), half) : none;
            k.batch_norm_activation_backward(activation, x, normal, y, gamma, beta, residual, middle, variance, 1e-3,
                                             to, dgamma, dbeta, of_residual);
          });
        }
      if (n > 1) {
        compare("layer norm", out, 3 * tolerance, [&](Kernels& k, Tensor& to) {
          Tensor m = zeros({rows}, f32), inverse = zeros({rows}, f32);
          k.layer_norm(x, gamma, beta, 1e-2, to, m, inverse);
        });
        const Tensor m = random({rows}, 9, f32), inverse = random({rows}, 10, f32);
        compare("layer norm, backward", out, 3 * tolerance, [&](Kernels& k, Tensor& to) {
          Tensor dgamma = zeros({n}, f32), dbeta = zeros({n}, f32);
          k.layer_norm_backward(x, y, gamma, m, inverse, to, dgamma, dbeta);
        });
      }
    }
  }
}

TEST_CASE("fast: pooling of float16 and bfloat16") {
  const Window apart{.rank = 2, .size = {2, 2, 1}, .strides = {2, 2, 1}};
  const Window overlapping{
      .rank = 2, .size = {3, 3, 1}, .strides = {1, 1, 1}, .pad_before = {1, 1, 0}, .pad_after = {1, 1, 0}};
  for (const DType half : {DType::float16, DType::bfloat16})
    for (const Window& window : {apart, overlapping}) {
      const bool same = window.strides[0] == 1;
      const Shape in{5, 9, 8, 6}, to = same ? in : Shape{5, 4, 4, 6};
      const Tensor x = in_dtype(random(in, 1, f32), half), gradient = in_dtype(random(to, 2, f32), half);
      const Tensor pooled = in_dtype(zeros(to, f32), half), dx = in_dtype(zeros(in, f32), half);
      compare("max", pooled, 1e-6, [&](Kernels& k, Tensor& out) {
        Tensor none;
        k.max_pool(x, window, out, none);
      });
      compare("max, backward", dx, 0.02, [&](Kernels& k, Tensor& out) {
        Tensor y = in_dtype(zeros(to, f32), half), places = Tensor::empty(to, DType::int32);
        k.max_pool(x, window, y, places);
        k.max_pool_backward(gradient, places, window, out);
      });
      compare("average", pooled, 0.02, [&](Kernels& k, Tensor& out) { k.average_pool(x, window, out); });
      compare("average, backward", dx, 0.02,
              [&](Kernels& k, Tensor& out) { k.average_pool_backward(gradient, window, out); });
    }
}

TEST_CASE("fast: fused activations of huge, tiny and missing numbers") {
  std::vector<double> values{0.0, -0.0, 1e-30, -1e-30, 5.0, -5.0, 30.0, -30.0, 90.0, -90.0, 1e4, -1e4, 3e38, -3e38};
  while (values.size() < 37) values.push_back(std::nan(""));
  const Tensor x = from_doubles({1.0}, {1, 1}, f32), kernel = from_doubles(values, {1, 37}, f32);
  ReferenceKernels reference;
  Tensor none, expected = zeros({1, 37}, f32), found = zeros({1, 37}, f32);
  for (const auto activation : {FusedActivation::relu, FusedActivation::sigmoid, FusedActivation::tanh,
                                FusedActivation::gelu, FusedActivation::silu, FusedActivation::gelu_tanh}) {
    CAPTURE(static_cast<int>(activation));
    reference.dense(x, kernel, none, activation, none, expected, nullptr);
    fast_kernels().dense(x, kernel, none, activation, none, found);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(values[i]);
      const double wanted = expected.data<float>()[i], got = found.data<float>()[i];
      CHECK(std::isnan(got) == std::isnan(wanted));
      if (!std::isnan(wanted)) CHECK(std::abs(got - wanted) <= 1e-6 * std::max(1.0, std::abs(wanted)));
    }
  }
}

TEST_CASE("fast: gelu, its derivative and tanh keep to their formulas over all of their range") {
  std::vector<double> values;
  for (double x = -14.0; x <= 14.0; x += 0.0037) values.push_back(x);
  const auto n = static_cast<std::int64_t>(values.size());
  const Tensor one = from_doubles({1.0}, {1, 1}, f32), kernel = from_doubles(values, {1, n}, f32);
  Tensor none, found = zeros({1, n}, f32);
  const auto worst = [&](auto&& formula) {
    double largest = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double x = kernel.data<float>()[i], wanted = formula(x);
      largest = std::max(largest, std::abs(found.data<float>()[i] - wanted) / std::max(1.0, std::abs(x)));
    }
    return largest;
  };
  const auto phi = [](double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); };
  fast_kernels().dense(one, kernel, none, FusedActivation::gelu, none, found);
  CHECK(worst([&](double x) { return x * phi(x); }) < 4e-7);
  fast_kernels().dense(one, kernel, none, FusedActivation::tanh, none, found);
  CHECK(worst([](double x) { return std::tanh(x); }) < 4e-7);
  fast_kernels().unary_backward(nyala::backend::Unary::gelu, kernel, none,
                                from_doubles(std::vector<double>(values.size(), 1.0), {1, n}, f32), found);
  CHECK(worst([&](double x) { return phi(x) + x * std::exp(-0.5 * x * x) * 0.3989422804014327; }) < 4e-7);
}
