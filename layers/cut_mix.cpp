#include <cmath>

#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_rectangle.hpp"
#include "image_support.hpp"

namespace nyala {

CutMix::CutMix(CutMixOptions options) : LayerOf(options), options_(std::move(options)) {
  set_up(options_, "CutMix");
  options_.factor = image::resolved(options_.factor, 0.0, 1.0, "CutMix: factor");
}

CutMix CutMix::from_config(const Config& config) {
  return CutMix(image::with_image(CutMixOptions{.factor = image::factor(config.get("factor"), 1.0)}, config));
}

CutMix::Mix CutMix::mixed(const Tensor& images) {
  const Shape& shape = images.shape();
  const std::int64_t count = shape[0];
  const double alpha =
      random::uniform({}, options_.factor.lower(), options_.factor.upper(), DType::float32, seed()).item<double>() +
      1e-6;
  std::vector<double> parts = image::beta(count, alpha, seed());
  for (double& part : parts) part = std::sqrt(1.0 - part);
  const image::Span columns = image::random_span(shape[2], parts, seed());
  const image::Span rows = image::random_span(shape[1], parts, seed());
  const Tensor order = image::random_order(count, seed());
  std::vector<double> kept;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double area = (columns.end[i] - columns.begin[i]) * (rows.end[i] - rows.begin[i]);
    kept.push_back(1.0 - area / static_cast<double>(shape[1] * shape[2]));
  }
  const Tensor rectangle = image::within(columns, shape[2], false) && image::within(rows, shape[1], true);
  return {where(rectangle, take(images, order.to(images.device()), 0), images), tensor(kept, {count, 1}), order};
}

Tensor CutMix::transform(const Tensor& images, bool) { return mixed(images).images; }

Tensors CutMix::call(const Tensors& inputs, bool training) {
  if (inputs.size() == 1)
    return inputs[0].rank() == 3 ? cast(inputs[0], compute_dtype()) : forward(inputs[0], training);
  if (inputs.size() != 2)
    throw Error(label() + " takes images, or images and labels, got " + std::to_string(inputs.size()) + " inputs");
  if (!training || inputs[0].rank() == 3) return {cast(inputs[0], compute_dtype()), inputs[1]};
  const Tensor images = cast(inputs[0], compute_dtype());
  const Mix mix = mixed(channels_first() ? transpose(images, {0, 2, 3, 1}) : images);
  const Tensor labels = cast(inputs[1], compute_dtype()), weights = cast(mix.weights, labels.dtype());
  return {channels_first() ? transpose(mix.images, {0, 3, 1, 2}) : mix.images,
          weights * labels + (1.0 - weights) * take(labels, mix.order.to(labels.device()), 0)};
}

Config CutMix::config() const {
  Config config = random_config();
  config["factor"] = image::pair(options_.factor);
  return config;
}

}  // namespace nyala
