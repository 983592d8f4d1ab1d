#include "compare.hpp"
#include "control.h"

using namespace gpu_check;

// Batch normalization through cuDNN: that it is taken, that it equals the CPU's, and that our own kernels take over
// where it has no engine. (Shapes that it never takes: network_test.cpp.)

namespace {

struct NormCase {
  Shape shape;
  DType dtype;
};

const std::vector<NormCase>& taken_cases() {
  static const std::vector<NormCase> all{
      {{3, 4}, DType::float32},  {{70, 12}, DType::float32}, {{1, 8}, DType::float32},   {{2000, 4}, DType::float32},
      {{70, 8}, DType::float16}, {{5, 24}, DType::float16},  {{70, 8}, DType::bfloat16}, {{6, 16}, DType::bfloat16}};
  return all;
}

double tolerance(DType dtype) { return 30 * tolerance_of(dtype); }

/// Runs each pass beside the reference; what comes back says how many of cuDNN's plans ran.
struct NormRuns {
  long training = 0, inference = 0, backward = 0;
};

NormRuns compare_all(const NormCase& c, bool scaled = true) {
  CAPTURE(c.shape.str());
  CAPTURE(nyala::name_of(c.dtype));
  CAPTURE(scaled);
  const Shape channels{c.shape[1]};
  const DType wide = c.dtype == DType::float64 ? c.dtype : DType::float32;
  const Tensor x = noise(c.shape, 1, c.dtype), gradient = noise(c.shape, 2, c.dtype), mean = noise(channels, 6, wide);
  const Tensor gamma = scaled ? noise(channels, 3, wide) : Tensor(),
               beta = scaled ? noise(channels, 4, wide) : Tensor();
  Tensor variance = noise(channels, 7, DType::float32);
  for (std::int64_t i = 0; i < variance.size(); ++i) variance.data<float>()[i] += 1.5F;
  variance = in_dtype(variance, wide);
  NormRuns runs;
  const auto counted = [](long& count, const auto& run) {
    softgpu_reset_counts();
    run();
    count = softgpu_count("executions");
  };
  counted(runs.training, [&] {
    compare("train", {x, gamma, beta}, {x, mean, variance}, tolerance(c.dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) {
              k.batch_norm_train(in[0], in[1], in[2], 1e-3, out[0], out[1], out[2]);
            });
  });
  counted(runs.inference, [&] {
    compare("inference", {x, mean, variance, gamma, beta}, {x}, tolerance(c.dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) {
              k.batch_norm_inference(in[0], in[1], in[2], in[3], in[4], 1e-3, out[0]);
            });
  });
  counted(runs.backward, [&] {
    compare("backward", {x, gradient, gamma, mean, variance}, {x, gamma, beta}, tolerance(c.dtype),
            [](Kernels& k, const Tensors& in, Tensors& out) {
              k.batch_norm_backward(in[0], in[1], in[2], in[3], in[4], 1e-3, out[0], out[1], out[2]);
            });
  });
  return runs;
}

}  // namespace

TEST_CASE("softgpu: batch normalization is cuDNN's where it has an engine") {
  for (const NormCase& c : taken_cases()) {
    for (const bool scaled : {true, false}) {
      const NormRuns runs = compare_all(c, scaled);
      CHECK(runs.training == 2);
      CHECK(runs.inference == 2);
      CHECK(runs.backward == 2);
    }
  }
}

TEST_CASE("softgpu: batch normalization with a relu, and what is added before it, is one graph") {
  for (const NormCase& c : taken_cases()) {
    CAPTURE(c.shape.str());
    CAPTURE(nyala::name_of(c.dtype));
    const Shape channels{c.shape[1]};
    const Tensor x = noise(c.shape, 1, c.dtype), gamma = noise(channels, 3, DType::float32),
                 beta = noise(channels, 4, DType::float32);
    for (const bool added : {true, false}) {
      CAPTURE(added);
      const auto run = [&](nyala::backend::Unary activation) {
        softgpu_reset_counts();
        compare("relu", {x, gamma, beta, added ? noise(c.shape, 5, c.dtype) : Tensor()}, {x, gamma, beta},
                tolerance(c.dtype), [&](Kernels& k, const Tensors& in, Tensors& out) {
                  k.batch_norm_activation_train(activation, in[0], in[1], in[2], in[3], 1e-3, out[0], out[1], out[2]);
                });
        CHECK(softgpu_count("executions") == 2);
        return softgpu_count("launches");
      };
      // Of our own the variance only, made of the inverse deviation.
      CHECK(run(nyala::backend::Unary::relu) == 2);
      CHECK(run(nyala::backend::Unary::relu6) == (added ? 6 : 4));
    }
  }
  const Tensor x = noise({70, 6}, 1, DType::float32), statistics = noise({6}, 2, DType::float32);
  softgpu_reset_counts();
  compare("odd channels", {x}, {x, statistics, statistics}, 1e-4, [](Kernels& k, const Tensors& in, Tensors& out) {
    k.batch_norm_activation_train(nyala::backend::Unary::relu, in[0], {}, {}, in[0], 1e-3, out[0], out[1], out[2]);
  });
  CHECK(softgpu_count("executions") == 0);
}

TEST_CASE("softgpu: batch normalization over other channels and dtypes is our own") {
  for (const NormCase& c : std::vector<NormCase>{{{70, 6}, DType::float32}, {{70, 4}, DType::float16}}) {
    const NormRuns runs = compare_all(c);
    CHECK(runs.training == 0);
    CHECK(runs.inference == 2);
    CHECK(runs.backward == 0);
  }
  const NormRuns runs = compare_all({{70, 8}, DType::float64});
  CHECK(runs.training + runs.inference + runs.backward == 0);
}

TEST_CASE("softgpu: a batch of equal numbers has the variance 0, one of NaN is NaN") {
  Tensor x = Tensor::empty({64, 4}, DType::float32);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data<float>()[i] = i % 4 == 1 ? std::nanf("") : 3.25F;
  const Shape channels{4};
  Tensor y = there(x), mean = there(noise(channels, 1, DType::float32)),
         variance = there(noise(channels, 2, DType::float32));
  softgpu_reset_counts();
  gpu().batch_norm_train(there(x), {}, {}, 1e-3, y, mean, variance);
  CHECK(softgpu_count("executions") == 1);
  const auto found = here(variance).to_vector<double>(), middle = here(mean).to_vector<double>();
  for (std::size_t c = 0; c < 4; ++c) {
    CAPTURE(c);
    if (c == 1) {
      CHECK(std::isnan(found[c]));
      continue;
    }
    CHECK(found[c] >= 0.0);
    CHECK(found[c] < 1e-9);
    CHECK(middle[c] == doctest::Approx(3.25));
  }
}

TEST_CASE("softgpu: batch normalization where engines refuse: the next one, then our own kernels") {
  // Shapes that no other test has planned.
  std::int64_t rows = 201;
  for (const char* kind : {"plan", "engines", "execute"}) {
    CAPTURE(kind);
    for (const DType dtype : {DType::float32, DType::bfloat16}) {
      softgpu_fail(kind, 1);
      compare_all({{rows++, 8}, dtype});
      softgpu_fail(kind, 0);
    }
  }
  softgpu_fail("plan", 1);
  CHECK(compare_all({{131, 8}, DType::float32}).training == 2);
  softgpu_fail("plan", 0);
  // A GPU that the library has no engines for.
  softgpu_set("capability", 75);
  const NormRuns runs = compare_all({{rows, 8}, DType::float32});
  softgpu_set("capability", 90);
  CHECK(runs.training == 0);
  CHECK(runs.backward == 0);
}

TEST_CASE("softgpu: plans of batch normalization are made once") {
  const NormCase c{{90, 8}, DType::float32};
  compare_all(c);
  softgpu_reset_counts();
  compare_all(c);
  CHECK(softgpu_count("plans") == 0);
  // As many shapes as a deep network has, in turn.
  const auto round = [] {
    const Tensor statistics = there(noise({8}, 1, DType::float32));
    for (std::int64_t rows = 300; rows < 800; ++rows) {
      Tensor x = Tensor::empty({rows, 8}, DType::float32, Device("gpu")),
             y = Tensor::empty(x.shape(), x.dtype(), x.device());
      gpu().fill(x, 1.0);
      gpu().batch_norm_inference(x, statistics, statistics, {}, {}, 9.0, y);
    }
  };
  round();
  softgpu_reset_counts();
  round();
  CHECK(softgpu_count("plans") == 0);
  CHECK(softgpu_count("executions") == 500);
}
