#include <nyala/layers/image_layer.hpp>

#include <nyala/error.hpp>

#include "image_support.hpp"
#include "seed.hpp"
#include "spatial.hpp"

namespace nyala {

void ImageLayer::keep(const std::string& data_format, const std::string& bounding_box_format, const char* layer) {
  data_format_ = spatial::data_format(data_format, layer);
  bounding_box_format_ = bounding_box_format;
}

void ImageLayer::keep_seed(const std::optional<std::int64_t>& seed) {
  given_seed_ = seed;
  seed_ = track(seed_generator(seed));
}

Tensor ImageLayer::forward(const Tensor& x, bool training) {
  if (x.rank() != 3 && x.rank() != 4) {
    throw Error(label() + ": images must have 3 axes, or 4 with a batch, got " + x.shape().str());
  }
  if (!training && !always()) return keeps_integers() ? x : cast(x, compute_dtype());
  Tensor images = cast(x, compute_dtype());
  if (x.rank() == 3) images = expand_dims(images, 0);
  if (channels_first()) images = transpose(images, {0, 2, 3, 1});
  Tensor y = images.size() == 0 ? images : transform(images, training);
  if (channels_first()) y = transpose(y, {0, 3, 1, 2});
  return x.rank() == 3 ? squeeze(y, 0) : y;
}

Shape ImageLayer::resized(Shape shape, std::int64_t height, std::int64_t width) const {
  if (shape.rank() != 3 && shape.rank() != 4) {
    throw Error(label() + ": images must have 3 axes, or 4 with a batch, got " + shape.str());
  }
  const std::size_t axis = shape.size() - (channels_first() ? 2 : 3);
  shape[axis] = height;
  shape[axis + 1] = width;
  return shape;
}

Tensor ImageLayer::uniform(std::int64_t count, double low, double high) {
  return cast(random::uniform({count, 1, 1, 1}, low, high, DType::float32, seed()), compute_dtype());
}

Tensor ImageLayer::chosen(std::int64_t count, const Factor& factor) {
  const Tensor probability = random::uniform({count, 1, 1, 1}, factor.lower(), factor.upper(), DType::float32, seed());
  return random::uniform({count, 1, 1, 1}, 0.0, 1.0, DType::float32, seed()) < probability;
}

Config ImageLayer::config() const {
  Config config = base_config();
  config["data_format"] = data_format_;
  if (!bounding_box_format_.empty()) config["bounding_box_format"] = bounding_box_format_;
  return config;
}

Config ImageLayer::random_config() const {
  Config config = ImageLayer::config();
  config["seed"] = given_seed_;
  return config;
}

}  // namespace nyala
