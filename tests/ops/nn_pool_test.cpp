#include "nn_check.hpp"

#include <limits>

using namespace nyala;
using nn::numbers;

namespace {

struct PoolCase {
  const char* name;
  Shape x;
  std::vector<std::int64_t> size;
  PoolArguments arguments;
};

const PoolCase pool_cases[] = {
    {"1-D", {2, 7, 3}, {2}, {}},
    {"2-D", {2, 6, 5, 3}, {2, 3}, {}},
    {"2-D overlapping", {1, 6, 5, 2}, {3}, {.strides = {1, 2}}},
    {"2-D same", {2, 5, 6, 2}, {3, 2}, {.strides = {2}, .padding = "same"}},
    {"2-D same, large window", {1, 3, 4, 2}, {5}, {.strides = {1}, .padding = "same"}},
    {"2-D channels first", {2, 2, 5, 6}, {2}, {.padding = "same", .data_format = "channels_first"}},
    {"3-D", {1, 4, 3, 5, 2}, {2, 1, 2}, {.padding = "same"}},
};

}  // namespace

TEST_CASE("max_pool and average_pool: gradients of first and second order") {
  for (const PoolCase& each : pool_cases) {
    CAPTURE(each.name);
    const nn::Function highest = [&](const std::vector<Tensor>& in) {
      return max_pool(in[0], each.size, each.arguments);
    };
    const nn::Function average = [&](const std::vector<Tensor>& in) {
      return average_pool(in[0], each.size, each.arguments);
    };
    nn::check_gradients(highest, {nn::distinct(each.x)});
    nn::check_second_gradients(highest, {nn::distinct(each.x)});
    nn::check_gradients(average, {numbers(each.x, 0.1)});
    nn::check_second_gradients(average, {numbers(each.x, 0.1)});
    const nn::Function squared = [&](const std::vector<Tensor>& in) {
      return square(average_pool(square(in[0]), each.size, each.arguments)) +
             max_pool(exp(in[0]), each.size, each.arguments);
    };
    nn::check_second_gradients(squared, {nn::distinct(each.x) * 0.3});
  }
}

TEST_CASE("average_pool counts the cells that are there, max_pool takes them only") {
  const Tensor x = tensor({1, 2, 3, 4, 5});
  const Tensor line = reshape(x, {1, 5, 1});
  CHECK(average_pool(line, {2}, {.padding = "same"}).to_vector<double>() == std::vector<double>{1.5, 3.5, 5.0});
  CHECK(max_pool(-1.0 * line, {2}, {.padding = "same"}).to_vector<double>() == std::vector<double>{-1, -3, -5});
  CHECK(average_pool(line, {3}, {.strides = {2}, .padding = "same"}).to_vector<double>() ==
        std::vector<double>{1.5, 3.0, 4.5});
  CHECK(average_pool(line, {2}).dtype() == DType::float32);
}

TEST_CASE("max_pool lets NaN through and takes an empty batch") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> y = max_pool(reshape(tensor({1.0, nan, 2.0, 3.0}), {1, 4, 1}), {2}).to_vector<double>();
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == 3.0);
  CHECK(max_pool(zeros({0, 4, 4, 2}), {2}).shape() == Shape{0, 2, 2, 2});
  CHECK(average_pool(zeros({0, 4, 4, 2}), {2}).shape() == Shape{0, 2, 2, 2});
}

TEST_CASE("pooling names what it refuses") {
  const Tensor x = zeros({1, 4, 4, 1});
  CHECK(nn::refusal([&] { max_pool(x, {5}); }) ==
        "max_pool: the output would be empty: a window of 5 cells does not fit into spatial axis 0 of x (1, 4, 4, 1) "
        "(channels last) with padding \"valid\"");
  CHECK(nn::refusal([&] { average_pool(x, {0}); }) == "average_pool: pool_size must be positive, got 0");
  CHECK(nn::refusal([&] {
          max_pool(x, {2, 2, 2});
        }) == "max_pool: pool_size must hold one number, or one per spatial axis (2), got 3 numbers");
  CHECK(nn::refusal([&] { max_pool(x, {2}, {.padding = "causal"}); }).find("max_pool: padding must be") == 0);
  CHECK(nn::refusal([&] { max_pool(zeros({4, 4}), {2}); }).find("max_pool: x must have 3 to 5 axes") == 0);
}
