#include <nyala/error.hpp>
#include <nyala/layers/image_mixing.hpp>

#include "image_rectangle.hpp"
#include "image_support.hpp"

namespace nyala {

namespace {

Tensor mixed(const Tensor& x, const Tensor& weights, const Tensor& order) {
  Shape shape{x.shape()[0]};
  while (shape.rank() < x.rank()) shape.push_back(1);
  const Tensor weight = cast(reshape(weights, shape), x.dtype());
  return weight * x + (1.0 - weight) * take(x, order.to(x.device()), 0);
}

}  // namespace

MixUp::MixUp(double alpha, RandomImageOptions options) : LayerOf(options), alpha_(alpha) {
  set_up(options, "MixUp");
  if (!(alpha > 0.0)) throw Error("MixUp: alpha must be positive, got " + Config(alpha).json());
}

MixUp MixUp::from_config(const Config& config) {
  return MixUp(config.get("alpha", 0.2), image::with_image(RandomImageOptions{}, config));
}

MixUp::Mix MixUp::drawn(std::int64_t count) {
  const Tensor order = image::random_order(count, seed());
  return {tensor(image::beta(count, alpha_, seed())), order};
}

Tensor MixUp::transform(const Tensor& images, bool) {
  const Mix mix = drawn(images.shape()[0]);
  return mixed(images, mix.weights, mix.order);
}

Tensors MixUp::call(const Tensors& inputs, bool training) {
  if (inputs.size() == 1) return forward(inputs[0], training);
  if (inputs.size() != 2) {
    throw Error(label() + " takes images, or images and labels, got " + std::to_string(inputs.size()) + " inputs");
  }
  if (!training) return inputs;
  const Tensor images = cast(inputs[0], compute_dtype()), labels = cast(inputs[1], compute_dtype());
  if (images.rank() != 4 || labels.rank() < 1 || labels.shape()[0] != images.shape()[0]) {
    throw Error(label() + ": images and labels must be batches of one size, got " + images.shape().str() + " and " +
                labels.shape().str());
  }
  const Mix mix = drawn(images.shape()[0]);
  return {mixed(images, mix.weights, mix.order), mixed(labels, mix.weights, mix.order)};
}

Config MixUp::config() const {
  Config config = random_config();
  config["alpha"] = alpha_;
  return config;
}

}  // namespace nyala
