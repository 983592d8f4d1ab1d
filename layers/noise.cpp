#include <cmath>

#include <nyala/error.hpp>
#include <nyala/layers/regularization.hpp>

#include "seed.hpp"

namespace nyala {

namespace {

void check_range(double value, const char* what) {
  if (!(value >= 0.0 && value <= 1.0)) {
    throw Error(std::string(what) + " must lie in [0, 1], got " + std::to_string(value));
  }
}

}  // namespace

GaussianNoise::GaussianNoise(double stddev, GaussianNoiseOptions options)
    : LayerOf(options), stddev_(stddev), options_(options), seed_(track(seed_generator(options.seed))) {
  check_range(stddev, "GaussianNoise: stddev");
}

GaussianNoise GaussianNoise::from_config(const Config& config) {
  return GaussianNoise(config.at("stddev").as_double(),
                       with_base(GaussianNoiseOptions{.seed = config.optional_integer("seed")}, config));
}

Tensor GaussianNoise::forward(const Tensor& x, bool training) {
  if (!training || stddev_ == 0.0) return x;
  return x + random::normal(x.shape(), 0.0, stddev_, x.dtype(), seed_);
}

Shape GaussianNoise::compute_output_shape(const Shape& input) const { return input; }

Config GaussianNoise::config() const {
  Config config = base_config();
  config["stddev"] = stddev_;
  config["seed"] = options_.seed;
  return config;
}

GaussianDropout::GaussianDropout(double rate, GaussianDropoutOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_range(rate, "GaussianDropout: rate");
}

GaussianDropout GaussianDropout::from_config(const Config& config) {
  return GaussianDropout(config.at("rate").as_double(),
                         with_base(GaussianDropoutOptions{.seed = config.optional_integer("seed")}, config));
}

Tensor GaussianDropout::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  return x * random::normal(x.shape(), 1.0, std::sqrt(rate_ / (1.0 - rate_)), x.dtype(), seed_);
}

Shape GaussianDropout::compute_output_shape(const Shape& input) const { return input; }

Config GaussianDropout::config() const {
  Config config = base_config();
  config["rate"] = rate_;
  config["seed"] = options_.seed;
  return config;
}

AlphaDropout::AlphaDropout(double rate, AlphaDropoutOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_range(rate, "AlphaDropout: rate");
}

AlphaDropout AlphaDropout::from_config(const Config& config) {
  AlphaDropoutOptions options{.seed = config.optional_integer("seed")};
  if (!config.get("noise_shape").is_null()) options.noise_shape = config.at("noise_shape").as_shape();
  return AlphaDropout(config.at("rate").as_double(), with_base(options, config));
}

Tensor AlphaDropout::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  constexpr double dropped = -1.6732632423543772 * 1.0507009873554805;  // what SELU tends to at minus infinity
  Shape noise = options_.noise_shape.empty() ? x.shape() : options_.noise_shape;
  for (std::size_t axis = 0; axis < noise.size(); ++axis) {
    if (noise[axis] == None) noise[axis] = x.shape()[axis];
  }
  const Tensor kept = cast(random::uniform(noise, 0.0, 1.0, DType::float32, seed_) >= rate_, x.dtype());
  const double a = rate_ >= 1.0 ? 0.0 : 1.0 / std::sqrt((1.0 - rate_) * (1.0 + rate_ * dropped * dropped));
  const double b = -a * dropped * rate_;
  return a * (x * kept + dropped * (1.0 - kept)) + b;
}

Shape AlphaDropout::compute_output_shape(const Shape& input) const { return input; }

Config AlphaDropout::config() const {
  Config config = base_config();
  config["rate"] = rate_;
  config["seed"] = options_.seed;
  config["noise_shape"] = options_.noise_shape.empty() ? Config() : Config(options_.noise_shape);
  return config;
}

}  // namespace nyala
