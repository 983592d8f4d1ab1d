#include <nyala/ops/image.hpp>

#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

TEST_CASE("resize: gradients of first and second order") {
  for (const char* interpolation : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}) {
    for (const std::array<std::int64_t, 2>& size : {std::array<std::int64_t, 2>{5, 7}, {2, 2}, {3, 9}}) {
      CAPTURE(interpolation);
      const nn::Function last = [&](const std::vector<Tensor>& in) { return resize(in[0], size, interpolation); };
      const nn::Function first = [&](const std::vector<Tensor>& in) {
        return square(resize(in[0], size, interpolation, "channels_first"));
      };
      nn::check_gradients(last, {numbers({2, 3, 4, 2}, 0.1)});
      nn::check_gradients(first, {numbers({2, 3, 4}, 0.1)});
      nn::check_second_gradients(first, {numbers({2, 3, 4}, 0.1)});
    }
  }
}

TEST_CASE("resize: constants stay constant, the same size is the same image, integers are rounded") {
  const Tensor x = numbers({1, 4, 5, 2}, 0.1);
  for (const char* interpolation : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}) {
    nn::check_close(resize(full({1, 3, 4, 1}, 2.5, DType::float64), {7, 2}, interpolation),
                    full({1, 7, 2, 1}, 2.5, DType::float64), 1e-14);
    nn::check_close(resize(x, {4, 5}, interpolation), x, 1e-14);
  }
  const Tensor bytes = cast(reshape(tensor({0, 255, 100, 7}), {1, 2, 2, 1}), DType::uint8);
  const Tensor bilinear = resize(bytes, {3, 5});
  CHECK(bilinear.dtype() == DType::uint8);
  CHECK(bilinear.to_vector<int>() == std::vector<int>{0, 26, 128, 230, 255, 50, 58, 90, 123, 131, 100, 91, 54, 16, 7});
  CHECK(resize(bytes, {3, 5}, "bicubic").to_vector<int>() ==
        std::vector<int>{0, 12, 132, 253, 255, 42, 55, 90, 126, 139, 118, 99, 49, 0, 0});
}

TEST_CASE("upsample repeats cells") {
  const Tensor x = reshape(tensor({1, 2, 3, 4}), {1, 2, 2, 1});
  CHECK(upsample(x, {2, 1}).to_vector<int>() == std::vector<int>{1, 2, 1, 2, 3, 4, 3, 4});
  CHECK(upsample(x, {1, 2}).to_vector<int>() == std::vector<int>{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK(upsample(zeros({1, 2, 3, 4, 5}), {2, 3, 4}).shape() == Shape{1, 4, 9, 16, 5});
  CHECK(upsample(zeros({1, 2, 3}), {2}, "channels_first").shape() == Shape{1, 2, 6});
  const nn::Function f = [](const std::vector<Tensor>& in) { return square(upsample(in[0], {2, 3})); };
  nn::check_gradients(f, {numbers({2, 3, 2, 2}, 0.1)});
  nn::check_second_gradients(f, {numbers({2, 3, 2, 2}, 0.1)});
}

TEST_CASE("resize and upsample name what they refuse") {
  const Tensor x = zeros({1, 4, 4, 1});
  CHECK(nn::refusal([&] {
          resize(x, {2, 2}, "cubic");
        }) ==
        "resize: interpolation must be \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\" or \"lanczos5\", got "
        "\"cubic\"");
  CHECK(nn::refusal([&] { resize(x, {0, 2}); }) == "resize: size must be positive, got (0, 2)");
  CHECK(nn::refusal([&] {
          resize(zeros({4, 4}), {2, 2});
        }) == "resize: images must have 3 axes, or 4 with a batch, got (4, 4)");
  CHECK(nn::refusal([&] { upsample(x, {2, 0}); }) == "upsample: size must be positive, got 0");
}
