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
  return Softmax(with_base(options, config));
}

Tensors Softmax::call_with(const Tensors& inputs, const CallContext& context) {
  const Tensor& x = inputs.only();
  const auto given = context.tensors.find("mask");
  const Tensor mask = given != context.tensors.end()                              ? given->second
                      : !context.masks.empty() && context.masks.front().defined() ? context.masks.front()
                                                                                  : Tensor();
  if (!mask.defined()) return softmax(x, options_.axis);
  const Tensor keep = cast(mask, x.dtype());
  const double low = x.dtype() == DType::float16 ? -3e4 : -1e9;
  return softmax(where(cast(mask, DType::boolean), x, low), options_.axis) * keep;
}

Tensor Softmax::forward(const Tensor& x, bool) { return softmax(x, options_.axis); }
Shape Softmax::compute_output_shape(const Shape& input) const { return input; }

Config Softmax::config() const {
  Config config = base_config();
  const std::vector<int>& axes = options_.axis.values();
  config["axis"] = axes.size() == 1 ? Config(axes.front()) : Config(axes);
  return config;
}

}  // namespace nyala
