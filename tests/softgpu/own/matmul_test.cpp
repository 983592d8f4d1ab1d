#include <cublasLt.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "control.h"
#include "own/device.hpp"

namespace {

struct Product {
  int m = 3, n = 4, k = 5, batch = 1;
  bool transpose_a = false, transpose_b = false;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  std::uint64_t workspace_limit = 1 << 20;
  std::size_t workspace_given = 8192;
  std::uint32_t alignment = 256;
  float beta = 0.0F;
  std::int64_t leading_kept = 0;
  bool with_kept = true, with_vector = true;
  std::size_t kept_floats = 0;
  std::size_t misplaced_vector = 0;  // after the heuristics
};

/// D as cuBLASLt's stand-in computes it, or nothing if it refused.
std::vector<float> run(const Product& p, const std::vector<float>& a, const std::vector<float>& b,
                       const std::vector<float>& c, std::vector<float>& vector, std::size_t misplaced = 0,
                       std::vector<float>* kept = nullptr) {
  const own::Stream stream;
  cublasLtHandle_t handle = nullptr;
  REQUIRE(cublasLtCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  own::Block device_a(stream, a), device_b(stream, b), device_c(stream, c), device_vector(stream, vector);
  own::Block workspace(stream, std::vector<float>(p.workspace_given / 4));
  own::Block device_kept(stream, kept != nullptr ? *kept : std::vector<float>(std::max<std::size_t>(p.kept_floats, 1)));
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t layouts[3] = {};
  cublasLtMatmulPreference_t preference = nullptr;
  REQUIRE(cublasLtMatmulDescCreate(&product, p.compute, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    REQUIRE(cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value) == CUBLAS_STATUS_SUCCESS);
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, p.epilogue);
  void* vector_pointer = p.with_vector ? device_vector.data() : nullptr;
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector_pointer);
  if (p.leading_kept > 0) {
    void* kept_pointer = p.with_kept ? device_kept.data() : nullptr;
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, kept_pointer);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, p.leading_kept);
  }
  const int rows[] = {p.transpose_a ? p.k : p.m, p.transpose_b ? p.n : p.k, p.m};
  const int columns[] = {p.transpose_a ? p.m : p.k, p.transpose_b ? p.k : p.n, p.n};
  for (int i = 0; i < 3; ++i) {
    cublasLtMatrixLayoutCreate(&layouts[i], CUDA_R_32F, static_cast<std::uint64_t>(rows[i]),
                               static_cast<std::uint64_t>(columns[i]), rows[i]);
    const std::int64_t step = rows[i] * columns[i];
    cublasLtMatrixLayoutSetAttribute(layouts[i], CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &p.batch, sizeof p.batch);
    cublasLtMatrixLayoutSetAttribute(layouts[i], CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step, sizeof step);
  }
  cublasLtMatmulPreferenceCreate(&preference);
  cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &p.workspace_limit,
                                       sizeof p.workspace_limit);
  for (const auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES})
    cublasLtMatmulPreferenceSetAttribute(preference, attribute, &p.alignment, sizeof p.alignment);
  cublasLtMatmulHeuristicResult_t result{};
  int count = 0;
  std::vector<float> out;
  const float one = 1.0F;
  const cublasStatus_t found = cublasLtMatmulAlgoGetHeuristic(handle, product, layouts[0], layouts[1], layouts[2],
                                                              layouts[2], preference, 1, &result, &count);
  if (p.misplaced_vector > 0) {
    vector_pointer = static_cast<float*>(vector_pointer) + p.misplaced_vector;
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, vector_pointer);
  }
  if (found == CUBLAS_STATUS_SUCCESS &&
      cublasLtMatmul(handle, product, &one, static_cast<float*>(device_a.data()) + misplaced, layouts[0],
                     device_b.data(), layouts[1], &p.beta, device_c.data(), layouts[2], device_c.data(), layouts[2],
                     &result.algo, workspace.data(), p.workspace_given, stream.handle) == CUBLAS_STATUS_SUCCESS) {
    out = device_c.floats();
    vector = device_vector.floats();
    if (kept != nullptr) *kept = device_kept.floats();
  }
  for (cublasLtMatrixLayout_t layout : layouts) cublasLtMatrixLayoutDestroy(layout);
  cublasLtMatmulPreferenceDestroy(preference);
  cublasLtMatmulDescDestroy(product);
  cublasLtDestroy(handle);
  return out;
}

std::vector<float> numbers(int count, float step) {
  std::vector<float> out;
  for (int i = 0; i < count; ++i) out.push_back(static_cast<float>(i % 7 - 3) * step);
  return out;
}

}  // namespace

TEST_CASE("products are those of the documentation") {
  for (int form = 0; form < 32; ++form) {
    Product p;
    p.transpose_a = form % 2 != 0;
    p.transpose_b = form / 2 % 2 != 0;
    p.beta = form / 4 % 2 != 0 ? 1.0F : 0.0F;
    p.epilogue = form / 8 == 0   ? CUBLASLT_EPILOGUE_DEFAULT
                 : form / 8 == 1 ? CUBLASLT_EPILOGUE_RELU_BIAS
                 : form / 8 == 2 ? CUBLASLT_EPILOGUE_BIAS
                                 : CUBLASLT_EPILOGUE_BGRADA;
    p.batch = form / 8 == 0 ? 2 : 1;
    const std::vector<float> a = numbers(p.batch * p.m * p.k, 0.5F), b = numbers(p.batch * p.k * p.n, 0.25F);
    const std::vector<float> c = numbers(p.batch * p.m * p.n, 1.0F), bias{1.0F, -8.0F, 0.5F};
    std::vector<float> vector = bias;
    const std::vector<float> out = run(p, a, b, c, vector);
    REQUIRE(out.size() == c.size());
    for (int matrix = 0; matrix < p.batch; ++matrix) {
      for (int row = 0; row < p.m; ++row) {
        float row_sum = 0.0F;
        for (int column = 0; column < p.n; ++column) {
          float sum = 0.0F;
          row_sum = 0.0F;
          for (int i = 0; i < p.k; ++i) {
            const float left =
                a[static_cast<std::size_t>(matrix * 15 + (p.transpose_a ? row * p.k + i : i * p.m + row))];
            sum +=
                left * b[static_cast<std::size_t>(matrix * 20 + (p.transpose_b ? i * p.n + column : column * p.k + i))];
            row_sum += left;
          }
          const auto place = static_cast<std::size_t>(matrix * 12 + column * p.m + row);
          sum += p.beta * c[place];
          if (form / 8 == 1 || form / 8 == 2) sum += bias[static_cast<std::size_t>(row)];
          if (form / 8 == 1) sum = std::max(sum, 0.0F);
          CHECK(out[place] == doctest::Approx(sum));
        }
        if (form / 8 == 3) CHECK(vector[static_cast<std::size_t>(row)] == doctest::Approx(row_sum));
      }
    }
  }
}

TEST_CASE("what an activation keeps gives its gradient") {
  // A product by the unit matrix: D is A. Sums on both sides of 0, and 0.
  for (const bool gelu : {false, true}) {
    for (const bool biased : {false, true}) {
      Product p{.m = 3, .n = 5, .k = 3, .leading_kept = gelu ? 8 : 128};
      const std::vector<float> unit{1, 0, 0, 0, 1, 0, 0, 0, 1};
      const std::vector<float> values{-1.5F, 0.25F, 2, 0, -0.125F, 1, 3, -3, 0.5F, 0, 0, 0, 1, 1, -1};
      const std::vector<float> bias{0.5F, -0.25F, 0};
      std::vector<float> kept(gelu ? 40 : 20), vector = bias;
      p.epilogue = gelu ? (biased ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_GELU_AUX)
                        : (biased ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_AUX);
      const std::vector<float> out = run(p, unit, values, std::vector<float>(15), vector, 0, &kept);
      p.epilogue = gelu ? (biased ? CUBLASLT_EPILOGUE_DGELU_BGRAD : CUBLASLT_EPILOGUE_DGELU)
                        : (biased ? CUBLASLT_EPILOGUE_DRELU_BGRAD : CUBLASLT_EPILOGUE_DRELU);
      const std::vector<float> gradient = numbers(15, 1.0F);
      const std::vector<float> before = run(p, unit, gradient, std::vector<float>(15), vector, 0, &kept);
      REQUIRE(out.size() == 15);
      REQUIRE(before.size() == 15);
      std::vector<float> sums(3);
      for (std::size_t i = 0; i < 15; ++i) {
        const double x = static_cast<double>(values[i] + (biased ? bias[i % 3] : 0.0F)), step = 1e-4;
        const auto f = [&](double at) {
          const double inner = std::sqrt(2 / 3.14159265358979) * (at + 0.044715 * at * at * at);
          return gelu ? 0.5 * at * (1 + std::tanh(inner)) : std::max(at, 0.0);
        };
        const double slope = gelu ? (f(x + step) - f(x - step)) / (2 * step) : x > 0 ? 1 : 0;
        CHECK(static_cast<double>(out[i]) == doctest::Approx(f(x)).epsilon(1e-5));
        CHECK(static_cast<double>(before[i]) ==
              doctest::Approx(static_cast<double>(gradient[i]) * slope).epsilon(1e-4));
        if (gelu) CHECK(static_cast<double>(kept[i / 3 * 8 + i % 3]) == doctest::Approx(x));
        sums[i % 3] += before[i];
      }
      for (std::size_t i = 0; i < 3 && biased; ++i) CHECK(vector[i] == doctest::Approx(sums[i]));
    }
  }
}

TEST_CASE("TF32 rounds the operands, float32 does not") {
  std::vector<float> vector(3), a(15, 1.0F + 0x1p-12F), b(20, 1.0F), c(12);
  Product p;
  CHECK(run(p, a, b, c, vector)[0] > 5.0F);
  p.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
  CHECK(run(p, a, b, c, vector)[0] == 5.0F);
}

TEST_CASE("wrong products are refused") {
  std::vector<float> vector(3), a(16), b(20), c(12);
  Product p;
  const auto refused = [&](const char* why, std::size_t misplaced = 0) {
    CHECK(run(p, a, b, c, vector, misplaced).empty());
    CHECK(own::taken(why));
  };
  SUBCASE("workspace") {
    p.workspace_given = 256;
    refused("workspace");
  }
  SUBCASE("alignment") { refused("aligned to less", 1); }
  SUBCASE("a matrix larger than its memory") {
    p.m = 5;
    refused("bytes at 0 of a block");
  }
  SUBCASE("an epilogue with a batch") {
    p.batch = 2;
    p.epilogue = CUBLASLT_EPILOGUE_BGRADA;
    refused("a bias gradient with a batch");
  }
  SUBCASE("an epilogue without its vector") {
    p.with_vector = false;
    p.epilogue = CUBLASLT_EPILOGUE_RELU_BIAS;
    refused("without its vector");
  }
  SUBCASE("a vector that lies worse than the one that the heuristics saw") {
    vector.resize(4);
    p.misplaced_vector = 1;
    p.epilogue = CUBLASLT_EPILOGUE_BIAS;
    refused("the vector is aligned to less");
  }
  SUBCASE("an auxiliary buffer") {
    p.epilogue = CUBLASLT_EPILOGUE_RELU_AUX;
    p.kept_floats = 64;
    SUBCASE("that is missing") {
      p.leading_kept = 128;
      p.with_kept = false;
      refused("without its auxiliary buffer");
    }
    SUBCASE("of bits whose rows are no multiple of 128") {
      p.leading_kept = 64;
      refused("no multiple of 128");
    }
    SUBCASE("of numbers whose rows are no multiple of 8") {
      p.epilogue = CUBLASLT_EPILOGUE_DGELU;
      p.leading_kept = 4;
      refused("no multiple of 8");
    }
    SUBCASE("whose rows are too short") {
      p.epilogue = CUBLASLT_EPILOGUE_GELU_AUX;
      p.m = 9;
      p.leading_kept = 8;
      refused("below the rows of D");
    }
    SUBCASE("that is too small") {
      p.kept_floats = 15;
      p.leading_kept = 128;
      refused("bytes at 0 of a block");
    }
    SUBCASE("with a batch") {
      p.leading_kept = 128;
      p.batch = 2;
      refused("no batch stride");
    }
  }
  SUBCASE("gradients of activations over one product, which breaks no rule") {
    p.epilogue = CUBLASLT_EPILOGUE_DRELU;
    p.leading_kept = 128;
    p.kept_floats = 64;
    p.k = 1;
    CHECK(run(p, a, b, c, vector).empty());
  }
  SUBCASE("on demand, which breaks no rule") {
    softgpu_fail("heuristic", 1);
    CHECK(run(p, a, b, c, vector).empty());
    softgpu_fail("matmul", 1);
    CHECK(run(p, a, b, c, vector).empty());
  }
  CHECK(softgpu_violations() == 0);
}
