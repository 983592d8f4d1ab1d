#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/layers.hpp>
#include <nyala/model.hpp>
#include <nyala/ops/image.hpp>
#include <nyala/serialization.hpp>

#include "support/gradcheck.hpp"

using namespace nyala;
using testing::scattered;

namespace {

std::vector<double> values(const Tensor& x) { return x.to_vector<double>(); }

Tensor grey(const Shape& shape, double value) { return full(shape, value, DType::float32); }

Tensor in_training(const LayerRef& layer, const Tensor& x) { return layer->outputs(x, {.training = true})[0]; }

struct Spread {
  double least, most, mean;
};
Spread spread(const std::vector<double>& x) {
  return {*std::min_element(x.begin(), x.end()), *std::max_element(x.begin(), x.end()),
          std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size())};
}

std::string refused(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

const std::vector<LayerRef>& random_layers() {
  static const std::vector<LayerRef> layers{
      RandomFlip("horizontal", {.seed = 7}),
      RandomRotation(0.2, {.seed = 7}),
      RandomTranslation(0.3, 0.3, {.seed = 7}),
      RandomZoom(0.3, {.seed = 7}),
      RandomShear(0.5, 0.5, {.seed = 7}),
      RandomPerspective({.seed = 7}),
      RandomElasticTransform({.seed = 7}),
      RandomBrightness(0.3, {.seed = 7}),
      RandomContrast(0.5, {.seed = 7}),
      RandomHue(0.5, {.seed = 7}),
      RandomSaturation({0.1, 0.4}, {.seed = 7}),
      RandomColorDegeneration({0.1, 0.9}, {.seed = 7}),
      RandomSharpness({0.0, 0.9}, {.seed = 7}),
      RandomPosterization({1.0, 4.0}, {.seed = 7}),
      RandomInvert({.seed = 7}),
      RandomGrayscale(1.0, {.seed = 7}),
      Solarization({.addition_factor = 0.4, .threshold_factor = 0.9, .seed = 7}),
      RandomColorJitter({.brightness_factor = 0.2, .hue_factor = 0.3, .seed = 7}),
      RandomGaussianBlur({.seed = 7}),
      RandomErasing({.seed = 7}),
      CutMix({.seed = 7}),
      MixUp(0.2, {.seed = 7}),
      RandAugment({.seed = 7}),
      AugMix({.seed = 7}),
  };
  return layers;
}

}  // namespace

TEST_CASE("random image layers: a seed repeats itself, inference leaves images, the shape stays") {
  const Tensor x = cast(scattered({8, 9, 12, 3}, 0.0, 255.0), DType::float32);
  for (const LayerRef& layer : random_layers()) {
    CAPTURE(layer->class_name());
    CHECK_EQ(values((*layer)(x)), values(x));
    const auto fresh = [&] {
      return layer_from_config(Config::object({{"class_name", layer->class_name()}, {"config", layer->config()}}));
    };
    // RandomGrayscale's config has no seed, as in Keras.
    const bool seeded = layer->config().contains("seed");
    const LayerRef a = fresh(), b = fresh();
    const Tensor once = in_training(a, x);
    CHECK_EQ(once.shape(), x.shape());
    if (seeded) CHECK_EQ(values(once), values(in_training(b, x)));
    CHECK_NE(values(once), values(x));
    if (layer->class_name() != "RandomGrayscale" && layer->class_name() != "RandomInvert") {
      CHECK_NE(values(once), values(in_training(a, x)));
    }
    const Tensor single = in_training(a, x[0]);
    CHECK_EQ(single.shape(), Shape{9, 12, 3});
    CHECK(fresh()->config() == layer->config());
  }
}

TEST_CASE("random image layers: ranges and distributions") {
  const Tensor x = grey({4000, 1, 1, 3}, 100.0);
  const auto first = [](const Tensor& y) { return values(y(Slice{}, Slice{}, Slice{}, 0)); };
  const Spread brightness = spread(first(in_training(RandomBrightness({-0.1, 0.3}, {.seed = 1}), x)));
  CHECK(brightness.least >= 100.0 - 25.5);
  CHECK(brightness.most <= 100.0 + 76.6);
  CHECK(brightness.mean == doctest::Approx(125.5).epsilon(0.02));
  const Spread inverted = spread(first(in_training(RandomInvert({.factor = {0.25, 0.25}, .seed = 1}), x)));
  CHECK(inverted.mean == doctest::Approx(100.0 + 0.25 * 55.0).epsilon(0.02));
  const Tensor pair = concatenate({grey({4000, 1, 1, 1}, 0.0), grey({4000, 1, 1, 1}, 200.0)}, 2);
  const Spread flipped = spread(values(in_training(RandomFlip("horizontal", {.seed = 1}), pair)(Slice{}, 0, 0, 0)));
  CHECK(flipped.mean == doctest::Approx(100.0).epsilon(0.05));
  // The distance of the two from their mean becomes 1 - 0.3 to 1 + 0.5 times as large.
  const Spread contrast = spread(values(in_training(RandomContrast({0.3, 0.5}, {.seed = 1}), pair)(Slice{}, 0, 1, 0)));
  CHECK(contrast.least >= 100.0 + 70.0 - 0.1);
  CHECK(contrast.most <= 250.1);
  CHECK(contrast.mean == doctest::Approx(210.0).epsilon(0.02));
  const Tensor steps = in_training(RandomPosterization({2.0, 5.0}, {.seed = 1}), grey({3000, 1, 1, 3}, 255.0));
  std::vector<double> kinds = first(steps);
  std::sort(kinds.begin(), kinds.end());
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  CHECK_EQ(kinds, std::vector<double>{192.0, 224.0, 240.0});
}

TEST_CASE("random crops lie within the image and reach every place") {
  const Tensor x = broadcast_to(reshape(arange(12), {1, 3, 4, 1}), {1, 3, 4, 1});
  const LayerRef crop = RandomCrop(2, 2, {.seed = 3});
  std::vector<int> seen(12, 0);
  for (int i = 0; i < 200; ++i) {
    const std::vector<int> part = in_training(crop, cast(x, DType::float32)).to_vector<int>();
    REQUIRE_EQ(part.size(), 4);
    CHECK_EQ(part[3] - part[0], 5);
    ++seen[static_cast<std::size_t>(part[0])];
  }
  for (const int place : {0, 1, 2, 4, 5, 6}) CHECK(seen[static_cast<std::size_t>(place)] > 10);
}

TEST_CASE("mixed images and labels have the same weights") {
  const Tensor x = broadcast_to(reshape(cast(arange(16), DType::float32), {16, 1, 1, 1}), {16, 8, 8, 1});
  const Tensor labels = identity(16);
  for (const LayerRef& layer : {LayerRef(MixUp(0.4, {.seed = 5})), LayerRef(CutMix({.seed = 5}))}) {
    CAPTURE(layer->class_name());
    const Tensors mixed = layer->outputs({x, labels}, {.training = true});
    REQUIRE_EQ(mixed.size(), 2);
    CHECK(values(max(abs(sum(mixed[1], -1) - 1.0))).front() < 1e-5);
    const Tensor expected = matmul(mixed[1], reshape(cast(arange(16), DType::float32), {16, 1}));
    const double tolerance = layer->class_name() == "CutMix" ? 4.0 : 1e-4;  // a rectangle has whole pixels
    CHECK(values(max(abs(mean(mixed[0], {1, 2}) - expected))).front() < tolerance);
    CHECK(values(max(abs(mixed[1] - labels))).front() > 0.1);
  }
}

TEST_CASE("gradients pass through image layers and operations") {
  const std::vector<LayerRef> layers{Resizing(3, 5, {.antialias = true, .dtype = "float64"}),
                                     CenterCrop(2, 7, {.dtype = "float64"}),
                                     RandomRotation({0.1, 0.1}, {.dtype = "float64"}),
                                     RandomZoom({0.2, 0.2}, {.fill_mode = "constant", .dtype = "float64"}),
                                     RandomSharpness({0.2, 0.2}, {.dtype = "float64"}),
                                     RandomColorDegeneration({0.3, 0.3}, {.dtype = "float64"})};
  for (const LayerRef& layer : layers) {
    CAPTURE(layer->class_name());
    CHECK_EQ(testing::gradcheck([&](const std::vector<Tensor>& in) { return in_training(layer, in[0]); },
                                {scattered({1, 4, 5, 3}, 40.0, 200.0)}),
             "");
  }
  const Tensor pixels = scattered({1, 3, 4, 3}, 0.1, 0.9);
  CHECK_EQ(testing::gradcheck(
               [](const std::vector<Tensor>& in) {
                 return gaussian_blur(in[0], {3, 5}, {0.7, 1.1});
               },
               {pixels}),
           "");
  CHECK_EQ(testing::gradcheck([](const std::vector<Tensor>& in) { return hsv_to_rgb(rgb_to_hsv(in[0])); }, {pixels}),
           "");
}

TEST_CASE("image layers in a model") {
  const KerasTensor x = Input({8, 8, 3});
  KerasTensor y = RandomFlip("horizontal")(x);
  y = RandomRotation(0.1)(y);
  y = GlobalAveragePooling2D()(Rescaling(1.0 / 255.0)(Resizing(4, 6)(y)));
  Model model(x, Dense(1)(y));
  model.compile("sgd", "mse");
  const Tensor images = cast(scattered({12, 8, 8, 3}, 0.0, 255.0), DType::float32);
  const History history = model.fit(images, zeros({12, 1}), {.epochs = 3, .batch_size = 4, .verbose = 0});
  CHECK(std::isfinite(history.history.at("loss").back()));
  CHECK_EQ(model.predict(cast(images, DType::uint8)).only().shape(), Shape{12, 1});
}

TEST_CASE("image layers name what they refuse") {
  CHECK_EQ(refused([] { Resizing(0, 3); }), "Resizing: height and width must be positive, got (0, 3)");
  CHECK_EQ(refused([] { Resizing(2, 3, {.interpolation = "cubic"}); }),
           "Resizing: interpolation must be one of \"nearest\", \"bilinear\", \"bicubic\", \"lanczos3\", "
           "\"lanczos5\", got \"cubic\"");
  CHECK_EQ(refused([] { Resizing(2, 3, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true}); }),
           "Resizing: crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other, got both");
  CHECK_EQ(refused([] { RandomContrast(1.5); }), "RandomContrast: factor must lie in [0.0, 1.0], got 1.5");
  CHECK_EQ(refused([] { RandomZoom(-1.0); }), "RandomZoom: height_factor must be above -1, got -1.0");
  CHECK_EQ(
      refused([] { RandomFlip("sideways"); }),
      "RandomFlip: mode must be one of \"horizontal\", \"vertical\", \"horizontal_and_vertical\", got \"sideways\"");
  CHECK_EQ(refused([] {
             RandomGaussianBlur({.kernel_size = {3, 4}});
           }),
           "RandomGaussianBlur: kernel_size must be odd and positive, got 4");
  CHECK_EQ(refused([] { Solarization({.addition_factor = -0.1}); }),
           "Solarization: addition_factor must lie in [0, 1], got -0.1");
  CHECK_EQ(refused([] { MixUp(0.0); }), "MixUp: alpha must be positive, got 0.0");
  CHECK(refused([] {
          LayerRef(RandomRotation(0.1))(zeros({2, 3}));
        }).find("images must have 3 axes, or 4 with a batch") != std::string::npos);
  CHECK_EQ(refused([] {
             affine_transform(zeros({2, 3, 3, 1}), zeros({3, 8}));
           }),
           "affine_transform: transform must have the shape (8,) or (2, 8), got (3, 8)");
}
