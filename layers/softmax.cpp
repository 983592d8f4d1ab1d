#include <nyala/error.hpp>
#include <nyala/layers/activation.hpp>

namespace nyala {

Softmax::Softmax(SoftmaxOptions options) : LayerOf(options), options_(options) {}

Softmax Softmax::from_config(const Config& config) {
  SoftmaxOptions options;
  if (config.get("axis").is_array()) {
    std::vector<int> axes;
    for (const std::int64_t axis : config.get("axis").as_integers()) axes.push_back(static_cast<int>(axis));
    options.axis = Axes(axes);
  } else {
    options.axis = config.get("axis", -1);
  }
  Softmax layer(with_base(options, config));
  layer.axis_listed_ = config.get("axis").is_array();
  layer.masks_by_adding_ = config.get("nyala_masks_by_adding", false);
  return layer;
}

Tensors Softmax::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const auto given = context.tensors.find("mask");
  const Tensor mask = given != context.tensors.end()                              ? given->second
                      : !context.masks.empty() && context.masks.front().defined() ? context.masks.front()
                                                                                  : Tensor();
  if (!mask.defined()) return softmax(x, options_.axis);
  const bool fits = mask.rank() <= x.rank() && [&] {
    for (int axis = 1; axis <= mask.rank(); ++axis) {
      if (mask.shape().at(-axis) != 1 && mask.shape().at(-axis) != x.shape().at(-axis)) return false;
    }
    return true;
  }();
  if (!fits) {
    throw Error("the mask must broadcast to the input " + x.shape().str() + ", got the shape " + mask.shape().str());
  }
  const Tensor keep = mask.dtype() == DType::boolean ? mask : greater(mask, 0.5);
  const double low = x.dtype() == DType::float16 ? -3e4 : -1e9;
  if (masks_by_adding_) return softmax(x + (1.0 - cast(mask, x.dtype())) * low, options_.axis);
  return where(keep, softmax(where(keep, x, low), options_.axis), 0.0);
}

Tensor Softmax::forward(const Tensor& x, bool) { return softmax(x, options_.axis); }
Shape Softmax::compute_output_shape(const Shape& input) const { return input; }

Config Softmax::config() const {
  Config config = base_config();
  const std::vector<int>& axes = options_.axis.values();
  config["axis"] = axes.size() == 1 && !axis_listed_ ? Config(axes.front()) : Config(axes);
  if (masks_by_adding_) config["nyala_masks_by_adding"] = true;
  return config;
}

}  // namespace nyala
