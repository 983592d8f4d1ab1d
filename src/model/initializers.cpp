#include <nyala/initializers.hpp>

#include <algorithm>
#include <cmath>

#include <nyala/error.hpp>
#include <nyala/ops/creation.hpp>
#include <nyala/ops/linalg.hpp>
#include <nyala/ops/math.hpp>
#include <nyala/ops/shape.hpp>
#include <nyala/random.hpp>

namespace nyala {

namespace {

Config axes_config(const std::optional<std::vector<int>>& axes) { return axes ? Config(*axes) : Config(); }

std::optional<std::vector<int>> axes_from(const Config& config, const std::string& key) {
  const Config& axes = config.get(key);
  if (axes.is_null()) return {};
  std::vector<int> result;
  for (const std::int64_t axis : axes.as_integers()) result.push_back(static_cast<int>(axis));
  return result;
}

double product(const Shape& shape, const std::vector<int>& axes) {
  double result = 1.0;
  for (const int axis : axes) result *= static_cast<double>(shape.at(axis));
  return result;
}

struct Fans {
  double in, out;
};

Fans fans(const Shape& shape, const VarianceScalingOptions& options) {
  if (options.input_axes && options.output_axes)
    return {product(shape, *options.input_axes), product(shape, *options.output_axes)};
  if (shape.empty()) return {1.0, 1.0};
  if (shape.size() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double receptive = 1.0;
  for (std::size_t axis = 0; axis + 2 < shape.size(); ++axis) receptive *= static_cast<double>(shape[axis]);
  return {static_cast<double>(shape[shape.size() - 2]) * receptive, static_cast<double>(shape.back()) * receptive};
}

void require_deviation(double stddev, const char* owner) {
  if (!(stddev >= 0.0) || std::isinf(stddev))
    throw Error(std::string(owner) + ": stddev must not be negative, got " + Config(stddev).json());
}

}  // namespace

Tensor Zeros::operator()(const Shape& shape, DType dtype) { return zeros(shape, dtype); }
Tensor Ones::operator()(const Shape& shape, DType dtype) { return ones(shape, dtype); }
Tensor Constant::operator()(const Shape& shape, DType dtype) { return full(shape, value_, dtype); }
Config Constant::config() const { return Config::object({{"value", value_}}); }

Tensor initializers::Identity::operator()(const Shape& shape, DType dtype) {
  if (shape.size() != 2) throw Error("Identity: initializes matrices only, got the shape " + shape.str());
  const Tensor matrix = eye(shape[0], shape[1], 0, dtype);
  return gain_ == 1.0 ? matrix : cast(matrix * gain_, dtype);
}

Config initializers::Identity::config() const {
  // Keras forgets the gain; at its default the config is the same.
  return gain_ == 1.0 ? Config::object() : Config::object({{"gain", gain_}});
}

RandomInitializer::RandomInitializer(std::optional<std::int64_t> seed) : seed_(seed) {
  const SeedGenerator::State state =
      (seed ? SeedGenerator(static_cast<std::uint64_t>(*seed)) : SeedGenerator()).state();
  drawn_seed_ = state.seed;
  drawn_counter_ = state.counter;
}

Config RandomInitializer::config() const { return Config::object({{"seed", seed_}}); }

namespace {
SeedGenerator generator(std::uint64_t seed, std::uint64_t counter) {
  SeedGenerator result(seed);
  result.set_state({seed, counter});
  return result;
}
}  // namespace

RandomNormal::RandomNormal(RandomNormalOptions options)
    : RandomInitializer(options.seed), mean_(options.mean), stddev_(options.stddev) {
  require_deviation(stddev_, "RandomNormal");
}

Tensor RandomNormal::operator()(const Shape& shape, DType dtype) {
  SeedGenerator seed = generator(drawn_seed_, drawn_counter_);
  return random::normal(shape, mean_, stddev_, dtype, seed);
}

Config RandomNormal::config() const { return Config::object({{"seed", seed_}, {"mean", mean_}, {"stddev", stddev_}}); }

RandomNormal RandomNormal::from_config(const Config& config) {
  return RandomNormal(
      {.mean = config.get("mean", 0.0), .stddev = config.get("stddev", 0.05), .seed = config.optional_integer("seed")});
}

RandomUniform::RandomUniform(RandomUniformOptions options)
    : RandomInitializer(options.seed), minval_(options.minval), maxval_(options.maxval) {
  if (!(minval_ <= maxval_)) {
    throw Error("RandomUniform: minval must not be above maxval, got " + Config(minval_).json() + " and " +
                Config(maxval_).json());
  }
}

Tensor RandomUniform::operator()(const Shape& shape, DType dtype) {
  SeedGenerator seed = generator(drawn_seed_, drawn_counter_);
  return random::uniform(shape, minval_, maxval_, dtype, seed);
}

Config RandomUniform::config() const {
  return Config::object({{"seed", seed_}, {"minval", minval_}, {"maxval", maxval_}});
}

RandomUniform RandomUniform::from_config(const Config& config) {
  return RandomUniform({.minval = config.get("minval", -0.05),
                        .maxval = config.get("maxval", 0.05),
                        .seed = config.optional_integer("seed")});
}

TruncatedNormal::TruncatedNormal(RandomNormalOptions options)
    : RandomInitializer(options.seed), mean_(options.mean), stddev_(options.stddev) {
  require_deviation(stddev_, "TruncatedNormal");
}

Tensor TruncatedNormal::operator()(const Shape& shape, DType dtype) {
  SeedGenerator seed = generator(drawn_seed_, drawn_counter_);
  return random::truncated_normal(shape, mean_, stddev_, dtype, seed);
}

Config TruncatedNormal::config() const {
  return Config::object({{"seed", seed_}, {"mean", mean_}, {"stddev", stddev_}});
}

TruncatedNormal TruncatedNormal::from_config(const Config& config) {
  return TruncatedNormal(
      {.mean = config.get("mean", 0.0), .stddev = config.get("stddev", 0.05), .seed = config.optional_integer("seed")});
}

VarianceScaling::VarianceScaling(VarianceScalingOptions options)
    : RandomInitializer(options.seed), options_(std::move(options)) {
  if (options_.distribution == "normal") options_.distribution = "truncated_normal";
  if (!(options_.scale > 0.0))
    throw Error("VarianceScaling: scale must be positive, got " + Config(options_.scale).json());
  const auto& mode = options_.mode;
  if (mode != "fan_in" && mode != "fan_out" && mode != "fan_avg")
    throw Error("VarianceScaling: mode must be \"fan_in\", \"fan_out\" or \"fan_avg\", got \"" + mode + "\"");
  const auto& kind = options_.distribution;
  if (kind != "truncated_normal" && kind != "untruncated_normal" && kind != "uniform") {
    throw Error(
        "VarianceScaling: distribution must be \"truncated_normal\", \"untruncated_normal\" or \"uniform\", got \"" +
        kind + "\"");
  }
}

Tensor VarianceScaling::operator()(const Shape& shape, DType dtype) {
  const Fans units = fans(shape, options_);
  const double count = options_.mode == "fan_in"    ? units.in
                       : options_.mode == "fan_out" ? units.out
                                                    : (units.in + units.out) / 2.0;
  const double variance = options_.scale / std::max(1.0, count);
  SeedGenerator seed = generator(drawn_seed_, drawn_counter_);
  if (options_.distribution == "uniform") {
    const double limit = std::sqrt(3.0 * variance);
    return random::uniform(shape, -limit, limit, dtype, seed);
  }
  if (options_.distribution == "untruncated_normal")
    return random::normal(shape, 0.0, std::sqrt(variance), dtype, seed);
  // The standard deviation of a standard normal variable that is cut off at ±2.
  constexpr double deviation_left = 0.87962566103423978;
  return random::truncated_normal(shape, 0.0, std::sqrt(variance) / deviation_left, dtype, seed);
}

Config VarianceScaling::config() const {
  return Config::object({{"seed", seed_},
                         {"scale", options_.scale},
                         {"mode", options_.mode},
                         {"distribution", options_.distribution},
                         {"input_axes", axes_config(options_.input_axes)},
                         {"output_axes", axes_config(options_.output_axes)}});
}

VarianceScaling VarianceScaling::from_config(const Config& config) {
  return VarianceScaling({.scale = config.get("scale", 1.0),
                          .mode = config.get("mode", "fan_in"),
                          .distribution = config.get("distribution", "truncated_normal"),
                          .seed = config.optional_integer("seed"),
                          .input_axes = axes_from(config, "input_axes"),
                          .output_axes = axes_from(config, "output_axes")});
}

NamedVarianceScaling::NamedVarianceScaling(double scale, const char* mode, const char* distribution, FanOptions options)
    : VarianceScaling({.scale = scale,
                       .mode = mode,
                       .distribution = distribution,
                       .seed = options.seed,
                       .input_axes = std::move(options.input_axes),
                       .output_axes = std::move(options.output_axes)}) {}

Config NamedVarianceScaling::config() const {
  return Config::object({{"seed", seed_},
                         {"input_axes", axes_config(options_.input_axes)},
                         {"output_axes", axes_config(options_.output_axes)}});
}

FanOptions NamedVarianceScaling::fan_options(const Config& config) {
  return {.seed = config.optional_integer("seed"),
          .input_axes = axes_from(config, "input_axes"),
          .output_axes = axes_from(config, "output_axes")};
}

Orthogonal::Orthogonal(OrthogonalOptions options) : RandomInitializer(options.seed), gain_(options.gain) {}

Tensor Orthogonal::operator()(const Shape& shape, DType dtype) {
  if (shape.size() < 2) throw Error("Orthogonal: initializes weights of rank 2 or more, got the shape " + shape.str());
  const std::int64_t columns = shape.back();
  const std::int64_t rows = columns == 0 ? 0 : shape.elements() / columns;
  const DType computed = dtype == DType::float64 ? DType::float64 : DType::float32;
  SeedGenerator seed = generator(drawn_seed_, drawn_counter_);
  const Tensor matrix = random::normal({std::max(rows, columns), std::min(rows, columns)}, 0.0, 1.0, computed, seed);
  const QR parts = qr(matrix);
  Tensor q = parts.q * sign(diagonal(parts.r));
  if (rows < columns) q = transpose(q);
  return cast(gain_ * reshape(q, shape), dtype);
}

Config Orthogonal::config() const { return Config::object({{"seed", seed_}, {"gain", gain_}}); }

Orthogonal Orthogonal::from_config(const Config& config) {
  return Orthogonal({.gain = config.get("gain", 1.0), .seed = config.optional_integer("seed")});
}

}  // namespace nyala
