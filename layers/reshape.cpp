#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/reshaping.hpp>

namespace nyala {

Reshape::Reshape(const Shape& target_shape, BaseOptions options) : LayerOf(options), target_(target_shape) {
  if (std::count(target_.begin(), target_.end(), -1) > 1) {
    throw Error("Reshape: at most one size may be -1, got " + target_.str());
  }
  for (const std::int64_t size : target_) {
    if (size < -1) throw Error("Reshape: a size must not be negative, got " + std::to_string(size));
  }
}

Reshape Reshape::from_config(const Config& config) {
  return Reshape(config.at("target_shape").as_shape(), with_base(BaseOptions{}, config));
}

Tensor Reshape::forward(const Tensor& x, bool) {
  Shape shape = target_;
  shape.insert(0, x.shape()[0]);
  if (x.shape()[0] == 0) shape = compute_output_shape(x.shape());
  return reshape(x, shape);
}

Shape Reshape::compute_output_shape(const Shape& input) const {
  Shape output = target_;
  const Shape features(input.begin() + 1, input.end());
  Shape sizes = target_;
  std::replace(sizes.begin(), sizes.end(), std::int64_t{-1}, std::int64_t{1});
  const std::int64_t known = sizes.elements();
  const bool open = std::count(target_.begin(), target_.end(), -1) == 1;
  if (features.known()) {
    const std::int64_t elements = features.elements();
    if (open ? known == 0 || elements % known != 0 : elements != known) {
      throw Error("an input of shape " + input.str() + " cannot be reshaped to " + target_.str() + " per sample");
    }
    std::replace(output.begin(), output.end(), std::int64_t{-1}, open ? elements / known : 0);
  }
  output.insert(0, input[0]);
  return output;
}

Config Reshape::config() const {
  Config config = base_config();
  config["target_shape"] = std::vector<std::int64_t>(target_.begin(), target_.end());
  return config;
}

}  // namespace nyala
