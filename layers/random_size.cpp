#include <nyala/error.hpp>
#include <nyala/layers/keras2.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"
#include "seed.hpp"

namespace nyala {

namespace {

void check(const Factor& factor, const RandomSizeOptions& options, const char* layer) {
  const double lower = factor.is_one() ? -factor.upper() : factor.lower();
  if (!(lower >= -1.0 && lower <= factor.upper() && factor.upper() <= 100.0)) {
    throw Error(std::string(layer) + ": factor must be two numbers in order, from -1 to 100, got " +
                image::as_given(factor).json());
  }
  image::require_one_of(options.interpolation, {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"},
                        (std::string(layer) + ": interpolation").c_str());
}

RandomSizeOptions options_of(const Config& config) {
  RandomSizeOptions options{.interpolation = config.get("interpolation", "bilinear")};
  if (config.get("seed").is_number()) options.seed = config.at("seed").as_integer();
  return with_base(options, config);
}

Shape with_any(Shape shape, int axis, const std::string& layer) {
  if (shape.rank() != 3 && shape.rank() != 4)
    throw Error(layer + ": images must have 3 axes, or 4 with a batch, got " + shape.str());
  shape[shape.size() - static_cast<std::size_t>(-axis)] = None;
  return shape;
}

Tensor resized(const Tensor& x, int axis, const Factor& factor, const RandomSizeOptions& options, SeedGenerator& seed) {
  const double lower = factor.is_one() ? -factor.upper() : factor.lower();
  const double times = random::uniform({}, 1.0 + lower, 1.0 + factor.upper(), DType::float64, seed).item<double>();
  std::int64_t size[2] = {x.shape().at(-3), x.shape().at(-2)};
  std::int64_t& changed = size[axis + 3];
  changed = std::max<std::int64_t>(1, static_cast<std::int64_t>(times * static_cast<double>(changed)));
  return resize_image(x, {size[0], size[1]}, {.interpolation = options.interpolation, .data_format = "channels_last"});
}

Config described(Config config, const Factor& factor, const RandomSizeOptions& options) {
  config["factor"] = image::as_given(factor);
  config["interpolation"] = options.interpolation;
  config["seed"] = options.seed;
  return config;
}

}  // namespace

RandomHeight::RandomHeight(Factor factor, RandomSizeOptions options)
    : LayerOf(options), factor_(factor), options_(options), seed_(track(seed_generator(options.seed))) {
  check(factor, options, "RandomHeight");
}
RandomHeight RandomHeight::from_config(const Config& config) {
  return RandomHeight(image::factor(config.at("factor"), 0.0), options_of(config));
}
Tensor RandomHeight::forward(const Tensor& x, bool training) {
  with_any(x.shape(), -3, label());
  const Tensor images = cast(x, compute_dtype());
  return training ? resized(images, -3, factor_, options_, seed_) : images;
}
Shape RandomHeight::compute_output_shape(const Shape& input) const { return with_any(input, -3, label()); }
Config RandomHeight::config() const { return described(base_config(), factor_, options_); }

RandomWidth::RandomWidth(Factor factor, RandomSizeOptions options)
    : LayerOf(options), factor_(factor), options_(options), seed_(track(seed_generator(options.seed))) {
  check(factor, options, "RandomWidth");
}
RandomWidth RandomWidth::from_config(const Config& config) {
  return RandomWidth(image::factor(config.at("factor"), 0.0), options_of(config));
}
Tensor RandomWidth::forward(const Tensor& x, bool training) {
  with_any(x.shape(), -2, label());
  const Tensor images = cast(x, compute_dtype());
  return training ? resized(images, -2, factor_, options_, seed_) : images;
}
Shape RandomWidth::compute_output_shape(const Shape& input) const { return with_any(input, -2, label()); }
Config RandomWidth::config() const { return described(base_config(), factor_, options_); }

}  // namespace nyala
