#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nyala/autograd.hpp>
#include <nyala/ops.hpp>
#include <nyala/random.hpp>

// Shapes for which oneDNN 2.6 gives wrong numbers or writes beyond its memory, beside float64 (which it does not have).

using namespace nyala;

namespace {

struct EdgeCase {
  Shape x, kernel;
  std::int64_t stride;
  std::string padding;
  bool transposed = false;
};

/// What kernels find in memory that they do not write is not a lucky zero.
void leave_dirt() {
  std::vector<Tensor> dirt;
  for (const std::int64_t size : {16, 300, 5'000, 70'000, 1'000'000})
    for (int i = 0; i < 4; ++i) dirt.push_back(full({size}, std::numeric_limits<float>::quiet_NaN()));
}

/// The result, and the gradients of x and of the kernel.
std::vector<Tensor> results(const EdgeCase& one, const Tensor& x, const Tensor& kernel, Tensor& seed, DType dtype) {
  const Tensor given = cast(x, dtype), weights = cast(kernel, dtype);
  const ConvArguments arguments{.strides = {one.stride}, .padding = one.padding};
  leave_dirt();
  GradientTape tape;
  tape.watch(given);
  tape.watch(weights);
  Tensor y = one.transposed ? conv_transpose(given, weights, {}, arguments) : conv(given, weights, {}, arguments);
  if (!seed.defined()) seed = cast(random::normal(y.shape()), DType::bfloat16);
  std::vector<Tensor> all = tape.gradient(y, std::vector<Tensor>{given, weights}, cast(seed, dtype));
  all.push_back(y);
  return all;
}

void check(const EdgeCase& one, DType dtype, double tolerance) {
  CAPTURE(one.x.str());
  CAPTURE(one.kernel.str());
  CAPTURE(one.stride);
  const Tensor x = cast(random::normal(one.x), DType::bfloat16), kernel = cast(random::normal(one.kernel), x.dtype());
  Tensor seed;
  const std::vector<Tensor> exact = results(one, x, kernel, seed, DType::float64);
  const std::vector<Tensor> got = results(one, x, kernel, seed, dtype);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    CAPTURE(i);
    const double error = max(abs(cast(got[i], DType::float64) - exact[i])).item<double>();
    CHECK(error <= tolerance * max(abs(exact[i])).item<double>());
  }
}

}  // namespace

TEST_CASE("bfloat16 convolutions are right where a tap meets nothing but padding") {
  for (const EdgeCase& one :
       {EdgeCase{{3, 2, 1}, {5, 1, 64}, 3, "same"}, EdgeCase{{3, 1, 17}, {5, 17, 17}, 3, "same"},
        EdgeCase{{8, 8, 2, 8}, {7, 7, 8, 72}, 3, "same"}, EdgeCase{{1, 8, 1, 32}, {7, 7, 32, 17}, 3, "same"},
        EdgeCase{{2, 8, 1, 8}, {3, 3, 8, 32}, 2, "same"}, EdgeCase{{3, 1, 1, 17}, {3, 3, 17, 32}, 2, "same"}})
    check(one, DType::bfloat16, 0.02);
}

TEST_CASE("bfloat16 convolutions are right where windows leave cells out, and for odd channels") {
  for (const EdgeCase& one :
       {EdgeCase{{3, 13, 8, 1}, {2, 2, 32, 1}, 3, "same", true}, EdgeCase{{3, 39, 24, 32}, {2, 2, 32, 8}, 3, "valid"},
        EdgeCase{{8, 3, 20, 17}, {1, 1, 17, 17}, 1, "same"}, EdgeCase{{3, 3, 20, 2}, {1, 1, 2, 3}, 1, "same"}})
    check(one, DType::bfloat16, 0.02);
}

TEST_CASE("bfloat16 convolutions of volumes are right") {
  for (const EdgeCase& one :
       {EdgeCase{{3, 3, 8, 4, 1}, {3, 3, 3, 1, 16}, 2, "same"}, EdgeCase{{8, 8, 1, 3, 4}, {3, 3, 3, 4, 72}, 3, "same"},
        EdgeCase{{1, 13, 13, 8, 17}, {2, 2, 2, 17, 3}, 3, "valid"},
        EdgeCase{{3, 4, 13, 20, 2}, {3, 3, 3, 2, 16}, 3, "valid"},
        EdgeCase{{1, 3, 1, 3, 2}, {7, 7, 7, 2, 72}, 1, "same"}})
    check(one, DType::bfloat16, 0.02);
}

// Held to AVX2, oneDNN wrote beyond the memory that it had asked for; what broke was the program's heap.
TEST_CASE("Convolutions of single cells with strides and few channels keep to their memory") {
  for (int round = 0; round < 20; ++round)
    for (const EdgeCase& one :
         {EdgeCase{{3, 4, 6, 1}, {1, 1, 1, 64}, 2, "valid"}, EdgeCase{{1, 6, 16, 3}, {1, 1, 3, 8}, 2, "valid"},
          EdgeCase{{2, 20, 6, 3}, {1, 1, 3, 32}, 2, "same"}, EdgeCase{{8, 9, 6, 16}, {1, 1, 4, 16}, 2, "same", true}})
      check(one, DType::float32, 1e-5);
}
