#include <nyala/error.hpp>
#include <nyala/layers/regularization.hpp>

#include "seed.hpp"
#include "spatial.hpp"

namespace nyala {

namespace {

void check_rate(double rate, const char* layer) {
  if (!(rate >= 0.0 && rate <= 1.0)) {
    throw Error(std::string(layer) + ": rate must lie in [0, 1], got " + std::to_string(rate));
  }
}

}  // namespace

Dropout::Dropout(double rate, DropoutOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_rate(rate, "Dropout");
}

Dropout Dropout::from_config(const Config& config) {
  DropoutOptions options{.seed = config.optional_integer("seed")};
  if (!config.get("noise_shape").is_null()) options.noise_shape = config.at("noise_shape").as_shape();
  return Dropout(config.at("rate").as_double(), with_base(options, config));
}

Tensor Dropout::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  return random::dropout(x, rate_, options_.noise_shape, seed_);
}

Shape Dropout::compute_output_shape(const Shape& input) const { return input; }

Config Dropout::config() const {
  Config config = base_config();
  config["rate"] = rate_;
  config["seed"] = options_.seed;
  config["noise_shape"] = options_.noise_shape.empty() ? Config() : Config(options_.noise_shape);
  return config;
}

SpatialDropout1D::SpatialDropout1D(double rate, SpatialDropout1DOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_rate(rate, "SpatialDropout1D");
  set_input_spec({{.rank = 3}});
}

SpatialDropout1D SpatialDropout1D::from_config(const Config& config) {
  return SpatialDropout1D(config.at("rate").as_double(),
                          with_base(SpatialDropout1DOptions{.seed = config.optional_integer("seed")}, config));
}

Tensor SpatialDropout1D::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  return random::dropout(x, rate_, {None, 1, None}, seed_);
}

Shape SpatialDropout1D::compute_output_shape(const Shape& input) const { return input; }

Config SpatialDropout1D::config() const {
  Config config = Config::object({{"rate", rate_}, {"seed", options_.seed}, {"name", name()}});
  config["dtype"] = dtype_policy().name();
  return config;
}

SpatialDropout2D::SpatialDropout2D(double rate, SpatialDropout2DOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_rate(rate, "SpatialDropout2D");
  options_.data_format = spatial::data_format(options.data_format, "SpatialDropout2D");
  set_input_spec({{.rank = 4}});
}

SpatialDropout2D SpatialDropout2D::from_config(const Config& config) {
  return SpatialDropout2D(config.at("rate").as_double(),
                          with_base(SpatialDropout2DOptions{.data_format = config.get("data_format", ""),
                                                            .seed = config.optional_integer("seed")},
                                    config));
}

Tensor SpatialDropout2D::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  const bool first = options_.data_format == "channels_first";
  return random::dropout(x, rate_, first ? Shape{None, None, 1, 1} : Shape{None, 1, 1, None}, seed_);
}

Shape SpatialDropout2D::compute_output_shape(const Shape& input) const { return input; }

Config SpatialDropout2D::config() const {
  Config config = Config::object({{"rate", rate_}, {"seed", options_.seed}, {"name", name()}});
  config["dtype"] = dtype_policy().name();
  config["data_format"] = options_.data_format;
  return config;
}

SpatialDropout3D::SpatialDropout3D(double rate, SpatialDropout3DOptions options)
    : LayerOf(options), rate_(rate), options_(options), seed_(track(seed_generator(options.seed))) {
  check_rate(rate, "SpatialDropout3D");
  options_.data_format = spatial::data_format(options.data_format, "SpatialDropout3D");
  set_input_spec({{.rank = 5}});
}

SpatialDropout3D SpatialDropout3D::from_config(const Config& config) {
  return SpatialDropout3D(config.at("rate").as_double(),
                          with_base(SpatialDropout3DOptions{.data_format = config.get("data_format", ""),
                                                            .seed = config.optional_integer("seed")},
                                    config));
}

Tensor SpatialDropout3D::forward(const Tensor& x, bool training) {
  if (!training || rate_ == 0.0) return x;
  const bool first = options_.data_format == "channels_first";
  return random::dropout(x, rate_, first ? Shape{None, None, 1, 1, 1} : Shape{None, 1, 1, 1, None}, seed_);
}

Shape SpatialDropout3D::compute_output_shape(const Shape& input) const { return input; }

Config SpatialDropout3D::config() const {
  Config config = Config::object({{"rate", rate_}, {"seed", options_.seed}, {"name", name()}});
  config["dtype"] = dtype_policy().name();
  config["data_format"] = options_.data_format;
  return config;
}

}  // namespace nyala
