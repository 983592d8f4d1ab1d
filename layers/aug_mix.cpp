#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_changes.hpp"
#include "image_support.hpp"

namespace nyala {

AugMix::AugMix(AugMixOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "AugMix");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "AugMix: factor");
  if (options_.num_chains < 1 || options_.chain_depth < 0) {
    throw Error("AugMix: num_chains must be positive and chain_depth not negative, got " +
                std::to_string(options_.num_chains) + " and " + std::to_string(options_.chain_depth));
  }
  if (!(options_.alpha > 0.0)) throw Error("AugMix: alpha must be positive, got " + Config(options_.alpha).json());
  for (const auto& [attribute, change] : image::changes(options_, options_.all_ops)) {
    steps_.push_back(track(change, attribute));
  }
}

AugMix AugMix::from_config(const Config& config) {
  AugMixOptions options{.value_range = image::value_range(config.get("value_range")),
                        .num_chains = config.get("num_chains", 3),
                        .chain_depth = config.get("chain_depth", 3),
                        .factor = image::factor(config.get("factor"), 0.3),
                        .alpha = config.get("alpha", 1.0),
                        .all_ops = config.get("all_ops", true),
                        .interpolation = config.get("interpolation", "bilinear")};
  return AugMix(image::with_image(std::move(options), config));
}

Tensor AugMix::transform(const Tensor& given, bool) {
  const Tensor images = channels_first() ? transpose(given, {0, 3, 1, 2}) : given;
  std::vector<double> weights = image::gamma(options_.num_chains, options_.alpha, seed());
  double sum = 0.0;
  for (const double weight : weights) sum += weight;
  const double own = image::beta(1, options_.alpha, seed()).front();
  const auto choices = static_cast<std::int64_t>(steps_.size()) + 1;  // one of them: nothing
  Tensor mixed = zeros_like(images);
  for (const double weight : weights) {
    Tensor chain = images;
    const Tensor numbers = random::randint({options_.chain_depth}, 0, choices, DType::int32, seed());
    for (const int number : numbers.to_vector<int>()) {
      if (number + 1 < choices) chain = steps_[static_cast<std::size_t>(number)](chain, true);
    }
    mixed = mixed + chain * (weight / sum);
  }
  const Tensor y = clip(images * own + mixed * (1.0 - own), options_.value_range.low, options_.value_range.high);
  return channels_first() ? transpose(y, {0, 2, 3, 1}) : y;
}

Config AugMix::config() const {
  Config config = random_config();
  config["value_range"] = image::to_config(options_.value_range);
  config["num_chains"] = options_.num_chains;
  config["chain_depth"] = options_.chain_depth;
  config["factor"] = image::pair(options_.factor);
  config["alpha"] = options_.alpha;
  config["all_ops"] = options_.all_ops;
  config["interpolation"] = options_.interpolation;
  return config;
}

}  // namespace nyala
