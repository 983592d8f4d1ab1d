#include <nyala/error.hpp>
#include <nyala/layers/image_color.hpp>
#include <nyala/ops/image.hpp>

#include "image_support.hpp"

namespace nyala {

RandomGaussianBlur::RandomGaussianBlur(RandomGaussianBlurOptions options)
    : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "RandomGaussianBlur");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "RandomGaussianBlur: factor");
  options_.sigma = image::resolved(options_.sigma, 0.0, 1.0, "RandomGaussianBlur: sigma");
  for (const std::int64_t size : options_.kernel_size) {
    if (size >= 1 && size % 2 == 1) continue;
    throw Error("RandomGaussianBlur: kernel_size must be odd and positive, got " + std::to_string(size));
  }
}

RandomGaussianBlur RandomGaussianBlur::from_config(const Config& config) {
  RandomGaussianBlurOptions options{.factor = image::factor(config.get("factor"), 1.0),
                                    .sigma = image::factor(config.get("sigma"), 1.0),
                                    .value_range = image::value_range(config.get("value_range"))};
  if (!config.get("kernel_size").is_null()) {
    options.kernel_size = image::two_sizes(config.at("kernel_size"));
  }
  return RandomGaussianBlur(image::with_image(std::move(options), config));
}

Tensor RandomGaussianBlur::transform(const Tensor& images, bool) {
  const Tensor apply = chosen(images.shape()[0], options_.factor);
  const std::vector<double> width =
      random::uniform({2}, options_.sigma.lower(), options_.sigma.upper(), DType::float32, seed()).to_vector<double>();
  const Tensor blurred =
      gaussian_blur(images, options_.kernel_size, {width[0] + 1e-6, width[1] + 1e-6}, "channels_last");
  return clip(where(apply, blurred, images), options_.value_range.low, options_.value_range.high);
}

Config RandomGaussianBlur::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  config["kernel_size"] = std::vector<std::int64_t>(options_.kernel_size.begin(), options_.kernel_size.end());
  config["sigma"] = image::pair(options_.sigma);
  config["value_range"] = image::to_config(options_.value_range);
  return config;
}

}  // namespace nyala
