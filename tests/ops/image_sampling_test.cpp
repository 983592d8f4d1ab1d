#include <array>
#include <cmath>
#include <optional>
#include <string>

#include <nyala/ops/image.hpp>

#include "nn_check.hpp"

using namespace nyala;
using nn::numbers;

namespace {

const std::array<const char*, 5> fill_modes{"constant", "nearest", "wrap", "mirror", "reflect"};

/// Where a cell outside is taken from, found by walking there; none: the fill value.
std::optional<int> cell_of(int index, int size, const std::string& mode) {
  if (index >= 0 && index < size) return index;
  if (mode == "constant") return std::nullopt;
  if (mode == "nearest") return index < 0 ? 0 : size - 1;
  if (mode == "wrap") return cell_of(index < 0 ? index + size : index - size, size, mode);
  if (size == 1) return 0;
  const int edge = mode == "mirror" ? 0 : 1;  // whether the cell at the edge comes twice
  return cell_of(index < 0 ? -index - edge : 2 * (size - 1) - index + edge, size, mode);
}

double defined_at(const Tensor& images, int image, double row, double column, int channel,
                  const SamplingArguments& how) {
  const Shape& shape = images.shape();
  const std::vector<double> all = images.to_vector<double>();
  const auto cell = [&](double y, double x) {
    const auto down = cell_of(static_cast<int>(y), static_cast<int>(shape[1]), how.fill_mode);
    const auto right = cell_of(static_cast<int>(x), static_cast<int>(shape[2]), how.fill_mode);
    if (!down || !right) return how.fill_value;
    return all[static_cast<std::size_t>(((image * shape[1] + *down) * shape[2] + *right) * shape[3] + channel)];
  };
  if (how.interpolation == "nearest") return cell(std::round(row), std::round(column));
  const double top = std::floor(row), left = std::floor(column), down = row - top, right = column - left;
  return (1 - down) * ((1 - right) * cell(top, left) + right * cell(top, left + 1)) +
         down * ((1 - right) * cell(top + 1, left) + right * cell(top + 1, left + 1));
}

}  // namespace

TEST_CASE("sample_image: what it reads at every place, within the images and far outside") {
  const Tensor images = numbers({2, 5, 4, 3}, 0.1);
  const Tensor inner = numbers({2, 6, 7}, 0.3) * 30.0 - 3.0, edge = full({2, 1, 7}, 4.0, DType::float64);
  const Tensor rows = concatenate({inner, edge, full({2, 1, 7}, 2.5, DType::float64)}, 1);
  const Tensor columns = concatenate({flip(inner) * 0.7, full({2, 2, 7}, -0.5, DType::float64)}, 1);
  for (const char* interpolation : {"nearest", "bilinear"})
    for (const char* fill_mode : fill_modes) {
      CAPTURE(std::string(interpolation) + " " + fill_mode);
      const SamplingArguments how{.interpolation = interpolation, .fill_mode = fill_mode, .fill_value = 0.25};
      std::vector<double> wanted;
      const std::vector<double> y = rows.to_vector<double>(), x = columns.to_vector<double>();
      for (std::size_t place = 0; place < y.size(); ++place) {
        for (int channel = 0; channel < 3; ++channel)
          wanted.push_back(defined_at(images, place < y.size() / 2 ? 0 : 1, y[place], x[place], channel, how));
      }
      nn::check_close(sample_image(images, rows, columns, how), tensor(wanted, Shape{2, 8, 7, 3}), 1e-13);
      const Tensor narrow = cast(images, DType::float32);
      nn::check_close(cast(sample_image(narrow, rows, columns, how), DType::float64), tensor(wanted, Shape{2, 8, 7, 3}),
                      1e-6);
    }
}

TEST_CASE("sample_image: places that are no numbers or out of reach end in some cell, never outside of the image") {
  const Tensor wild = reshape(tensor({NAN, INFINITY, -INFINITY, 1e30, -1e30, 4e9}), {1, 1, 6});
  for (const char* fill_mode : fill_modes) {
    const Tensor images = ones({1, 3, 3, 1});
    CHECK(sample_image(images, wild, wild, {.interpolation = "nearest", .fill_mode = fill_mode}).size() == 6);
    GradientTape tape;
    tape.watch(images);
    const Tensor read = sample_image(images, wild, wild, {.fill_mode = fill_mode});
    CHECK(tape.gradient(read, images).shape() == images.shape());
  }
  CHECK(sample_image(ones({1, 3, 1, 1}), zeros({1, 2, 2}), zeros({1, 2, 2}), {.fill_mode = "mirror"})
            .to_vector<double>() == std::vector<double>(4, 1.0));
}

TEST_CASE("sample_image: gradients of first and second order, of images and of places") {
  const Tensor images = numbers({2, 4, 3, 2}, 0.1);
  // Between the cells, where reading bilinearly has no kinks; two of them far outside.
  const Tensor whole = reshape(tensor({-7.0, -1.0, 0.0, 1.0, 2.0, 9.0}), {1, 2, 3});
  const Tensor rows = cast(concatenate({whole, whole + 1.0}, 0), DType::float64) + numbers({2, 2, 3}, 0.2, 0.3, 0.5);
  const Tensor columns = flip(rows) * 1.0;
  for (const char* fill_mode : fill_modes) {
    CAPTURE(std::string(fill_mode));
    const SamplingArguments how{.fill_mode = fill_mode, .fill_value = 0.75};
    const nn::Function read = [&](const std::vector<Tensor>& in) {
      return square(sample_image(in[0], in[1], in[2], how));
    };
    nn::check_gradients(read, {images, rows, columns});
    nn::check_second_gradients(read, {images, rows, columns});
    const nn::Function nearest = [&](const std::vector<Tensor>& in) {
      SamplingArguments cells = how;
      cells.interpolation = "nearest";
      return square(sample_image(in[0], rows, columns, cells));
    };
    nn::check_gradients(nearest, {images});
    nn::check_second_gradients(nearest, {images});
  }
}

TEST_CASE("affine_transform and perspective_transform: gradients of what they move by, too") {
  const Tensor images = numbers({2, 4, 3, 2}, 0.1);
  const Tensor transform = tensor({0.9, 0.13, 0.21, -0.17, 1.1, 0.33, 0.0, 0.0});
  const nn::Function affine = [](const std::vector<Tensor>& in) {
    return square(
        affine_transform(in[0], concatenate({in[1], zeros({2}, DType::float64)}, 0), {.fill_mode = "reflect"}));
  };
  nn::check_gradients(affine, {images, cast(transform(Slice{0, 6}), DType::float64)});
  const Tensor start = cast(reshape(tensor({0.1, 0.2, 2.1, 0.15, 0.05, 3.1, 1.9, 2.8}), {4, 2}), DType::float64);
  const Tensor end = cast(reshape(tensor({0.33, 0.05, 2.2, 0.4, 0.3, 2.7, 2.3, 3.2}), {4, 2}), DType::float64);
  const nn::Function perspective = [](const std::vector<Tensor>& in) {
    return square(perspective_transform(in[0], in[1], in[2], {.fill_mode = "nearest"}));
  };
  nn::check_gradients(perspective, {images, start, end});
}

TEST_CASE("sample_image: of half precision, and without cells") {
  const Tensor images = numbers({1, 3, 3, 2}, 0.1, 1.0, 0.0, DType::bfloat16);
  const Tensor rows = full({1, 2, 2}, 0.75), columns = full({1, 2, 2}, 1.5);
  GradientTape tape;
  tape.watch(images);
  tape.watch(rows);
  const Tensor read = sample_image(images, rows, columns);
  CHECK(read.dtype() == DType::bfloat16);
  const std::vector<Tensor> gradients = tape.gradient(read, std::vector<Tensor>{images, rows});
  CHECK(gradients[0].dtype() == DType::bfloat16);
  CHECK(sum(cast(gradients[0], DType::float32)).item<double>() == 8.0);
  CHECK(gradients[1].dtype() == DType::float32);
  CHECK(sample_image(ones({0, 3, 3, 2}), zeros({0, 2, 2}), zeros({0, 2, 2})).shape() == Shape{0, 2, 2, 2});
  CHECK(nn::refusal([] {
          sample_image(ones({1, 0, 3, 2}), zeros({1, 2, 2}), zeros({1, 2, 2}));
        }) == "sample_image: there is no cell to read in images (1, 0, 3, 2)");
  CHECK(nn::refusal([] {
          sample_image(ones({1, 2, 3, 2}), zeros({1, 2, 2}), zeros({1, 2, 2}), {.fill_mode = "wrp"});
        }) ==
        "sample_image: fill_mode must be \"constant\", \"nearest\", \"wrap\", \"mirror\" or \"reflect\", got \"wrp\"");
}
