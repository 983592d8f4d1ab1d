// Layers of Keras 2 alone; their values were compared with tf.keras 2.4 to 2.18 from its files.
#include <doctest/doctest.h>

#include <cmath>

#include <nyala/nyala.hpp>

using namespace nyala;

TEST_CASE("RandomHeight and RandomWidth: the size changes in training only") {
  set_random_seed(4);
  const Tensor x = random::normal({2, 40, 10, 3});
  RandomHeight height({0.2, 0.5}, {.seed = 3});
  RandomWidth width(0.5);
  CHECK(height(x).shape() == x.shape());
  CHECK(height.compute_output_shape({None, 40, 10, 3}) == Shape{None, None, 10, 3});
  CHECK(width.compute_output_shape({40, 10, 3}) == Shape{40, None, 3});
  for (int i = 0; i < 5; ++i) {
    const Shape taller = height(x, true).shape(), other = width(x, true).shape();
    CHECK((taller[1] >= 48 && taller[1] <= 60 && taller[2] == 10));
    CHECK((other[2] >= 5 && other[2] <= 15 && other[1] == 40));
  }
  CHECK(layer_from_config(Config::object({{"class_name", "RandomHeight"}, {"config", height.config()}}))->config() ==
        height.config());
  CHECK_THROWS_WITH_AS(RandomHeight({-1.5, 0.0}), doctest::Contains("RandomHeight: factor"), Error);
  CHECK_THROWS_WITH_AS(RandomWidth(0.1, {.interpolation = "cubic"}), doctest::Contains("interpolation"), Error);
  CHECK_THROWS_AS(height(zeros({4, 4})), Error);
}

TEST_CASE("RandomFourierFeatures: cosines, of which the scale alone learns") {
  set_random_seed(4);
  const Tensor x = random::normal({6, 5});
  RandomFourierFeatures layer(2000, {.trainable = true});
  layer.build_now({x.shape()});
  CHECK(layer.trainable_variables().size() == 1);
  CHECK(layer.trainable_variables()[0].value().item<float>() == doctest::Approx(std::sqrt(2.5)));
  // The mean of products is near the kernel exp(-|a - b|² / (2 scale²)) / 2.
  const Tensor features = layer(x), products = matmul(features, features, false, true) / 1000.0;
  const Tensor apart = sum(square(expand_dims(x, 0) - expand_dims(x, 1)), -1);
  CHECK(max(abs(products - exp(apart / -5.0))).item<float>() < 0.15F);
  for (const char* kernel : {"laplacian", "gaussian"}) {
    RandomFourierFeatures other(3, {.kernel_initializer = kernel, .scale = 2.0});
    other.build_now({x.shape()});
    CHECK(other.trainable_variables().empty());
    CHECK(
        layer_from_config(Config::object({{"class_name", other.class_name()}, {"config", other.config()}}))->config() ==
        other.config());
  }
  CHECK_THROWS_WITH_AS(RandomFourierFeatures(0), doctest::Contains("output_dim"), Error);
  CHECK_THROWS_WITH_AS(RandomFourierFeatures(2, {.kernel_initializer = "cubic"}), doctest::Contains("cubic"), Error);
  CHECK_THROWS_WITH_AS(RandomFourierFeatures(2, {.scale = -1.0}), doctest::Contains("scale"), Error);
}
