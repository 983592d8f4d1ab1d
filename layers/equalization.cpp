#include <algorithm>
#include <cmath>

#include <nyala/error.hpp>
#include <nyala/layers/image_color.hpp>

#include "image_support.hpp"

namespace nyala {

namespace {

/// What each bin becomes; empty if all values lie in one.
std::vector<double> table_of(const std::vector<std::int64_t>& histogram) {
  std::vector<double> table;
  std::int64_t sum = 0, first = 0, used = 0, total = 0;
  for (const std::int64_t count : histogram) {
    if (count > 0 && used++ == 0) first = count;
    total += count;
  }
  if (used <= 1) return {};
  const double span = total == first ? 1.0 : static_cast<double>(total - first);
  for (const std::int64_t count : histogram) {
    sum += count;
    table.push_back(std::clamp(std::nearbyint(static_cast<double>(sum - first) * 255.0 / span), 0.0, 255.0));
  }
  return table;
}

Tensor equalized(const Tensor& channel, int bins) {
  const std::vector<float> pixels = cast(channel, DType::float32).to_vector<float>();
  const auto scale = static_cast<float>(bins - 1);
  std::vector<std::int64_t> histogram(static_cast<std::size_t>(bins));
  const auto bin = [&](float place) {
    if (!(place > 0.0F)) return std::size_t{0};
    return static_cast<std::size_t>(std::min(place, scale));
  };
  for (const float pixel : pixels) ++histogram[bin(pixel * scale / 255.0F)];
  const std::vector<double> table = table_of(histogram);
  if (table.empty()) return channel;
  std::vector<double> values;
  values.reserve(pixels.size());
  for (const float pixel : pixels) values.push_back(table[bin(pixel / 255.0F * scale)]);
  return cast(tensor(values, channel.shape()), channel.dtype()).to(channel.device());
}

}  // namespace

Equalization::Equalization(EqualizationOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "Equalization");
  options_.value_range = image::sorted(options_.value_range, "Equalization");
  if (options_.bins < 1) throw Error("Equalization: bins must be positive, got " + std::to_string(options_.bins));
}

Equalization Equalization::from_config(const Config& config) {
  EqualizationOptions options{.value_range = image::value_range(config.get("value_range")),
                              .bins = config.get("bins", 256)};
  return Equalization(image::with_image(std::move(options), config));
}

Tensor Equalization::transform(const Tensor& images, bool) {
  std::vector<Tensor> channels = unstack(image::rescaled(images, options_.value_range, image::bytes), -1);
  for (Tensor& channel : channels) channel = equalized(channel, options_.bins);
  return image::rescaled(stack(channels, -1), image::bytes, options_.value_range);
}

Config Equalization::config() const {
  Config config = ImageLayer::config();
  config["value_range"] = image::to_config(options_.value_range);
  config["bins"] = options_.bins;
  return config;
}

}  // namespace nyala
