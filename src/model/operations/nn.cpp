// Activations, convolutions and their kin.
#include <nyala/ops/image.hpp>

#include "model/operations/support.hpp"

namespace nyala::detail {

namespace {

using Arguments = OperationArguments;

ConvArguments conv_arguments(const Arguments& a) {
  ConvArguments result;
  if (!a.option("strides").is_null()) result.strides = a.sizes("strides");
  if (!a.option("dilation_rate").is_null()) result.dilation_rate = a.sizes("dilation_rate");
  result.padding = a.text("padding", "valid");
  result.data_format = a.text("data_format", "");
  return result;
}

PoolArguments pool_arguments(const Arguments& a) {
  PoolArguments result;
  if (!a.option("strides").is_null()) result.strides = a.sizes("strides");
  result.padding = a.text("padding", "valid");
  result.data_format = a.text("data_format", "");
  return result;
}

Tensors conv_transpose_of(const Arguments& a) {
  const std::vector<std::int64_t> extra =
      a.option("output_padding").is_null() ? std::vector<std::int64_t>() : a.sizes("output_padding");
  return conv_transpose(a.tensor(0), a.tensor(1), {}, conv_arguments(a), extra);
}

Tensors resize_of(const Arguments& a) {
  const std::vector<std::int64_t> size = a.sizes("size");
  if (size.size() != 2) throw Error("Resize: size must be two numbers");
  if (a.text("fill_mode", "constant") != "constant") throw Error("Resize: fill_mode must be \"constant\"");
  return resize_image(a.tensor(0), {size[0], size[1]},
                      {.interpolation = a.text("interpolation", "bilinear"),
                       .antialias = a.flag("antialias", false),
                       .crop_to_aspect_ratio = a.flag("crop_to_aspect_ratio", false),
                       .pad_to_aspect_ratio = a.flag("pad_to_aspect_ratio", false),
                       .fill_value = a.number("fill_value", 0.0),
                       .data_format = a.text("data_format", "")});
}

Tensors attention_of(const Arguments& a) {
  if (!a.option("attn_logits_soft_cap").is_null())
    throw Error("DotProductAttention: attn_logits_soft_cap is not supported");
  const auto scale = a.given(5) ? std::optional<double>(a.value(5).as_double()) : std::nullopt;
  return dot_product_attention(a.tensor(0), a.tensor(1), a.tensor(2), a.tensor_or_none(3), a.tensor_or_none(4), scale,
                               a.flag("is_causal", false));
}

Tensors layer_norm_of(const Arguments& a) {
  if (a.flag("rms_scaling", false)) {
    // Keras divides by the deviation alone: neither the mean nor beta takes part.
    const Tensor x = a.tensor(0);
    const Axes around = a.option("axis").is_null() ? Axes(-1) : a.axes();
    const Tensor scaled = x * rsqrt(var(x, around, true) + a.number("epsilon", epsilon()));
    return a.given(1) ? scaled * a.tensor(1) : scaled;
  }
  const Axes axes = a.option("axis").is_null() ? Axes(-1) : a.axes();
  return layer_normalization(a.tensor(0), a.tensor_or_none(1), a.tensor_or_none(2), axes,
                             a.number("epsilon", epsilon()));
}

int axis_or_last(const Arguments& a) { return a.integer("axis", -1); }
Axes axes_or_last(const Arguments& a) { return a.option("axis").is_null() ? Axes(-1) : a.axes(); }

/// Where the axis is None: over all values at once.
template <class Function>
Tensor along(const Arguments& a, const Function& function) {
  const Tensor x = a.tensor(0);
  if (a.none("axis")) return reshape(function(reshape(x, {-1}), Axes(-1)), x.shape());
  return function(x, axes_or_last(a));
}

Tensors rms_norm_of(const Arguments& a) {
  const Tensor x = a.tensor(0), scale = a.tensor_or_none(1);
  const double epsilon = a.number("epsilon", nyala::epsilon());
  // A scale of any shape that broadcasts.
  if (scale.defined() && scale.rank() > 1)
    return cast(rms_normalization(x, {}, axes_or_last(a), epsilon) * cast(scale, x.dtype()), x.dtype());
  return rms_normalization(x, scale, axes_or_last(a), epsilon);
}

}  // namespace

std::vector<OperationEntry> nn_operations() {
  constexpr auto each = ShapeRule::elementwise;
  return {
      {"Relu", "nn", "", "x", [](const Arguments& a) -> Tensors { return relu(a.tensor(0)); }, each},
      {"Relu6", "nn", "", "x", unary<relu6>, each},
      {"Sigmoid", "nn", "", "x", unary<sigmoid>, each},
      {"SparseSigmoid", "nn", "", "x", unary<sparse_sigmoid>, each},
      {"Softplus", "nn", "", "x", unary<softplus>, each},
      {"Softsign", "nn", "", "x", unary<softsign>, each},
      {"SparsePlus", "nn", "", "x", unary<sparse_plus>, each},
      {"Silu", "nn", "", "x", unary<silu>, each},
      {"LogSigmoid", "nn", "", "x", unary<log_sigmoid>, each},
      {"HardSigmoid", "nn", "", "x", unary<hard_sigmoid>, each},
      {"HardSilu", "nn", "", "x", unary<hard_silu>, each},
      {"Selu", "nn", "", "x", unary<selu>, each},
      {"TanhShrink", "nn", "", "x", unary<tanh_shrink>, each},
      {"HardTanh", "nn", "", "x", unary<hard_tanh>, each},
      {"Mish", "nn", "", "x", unary<mish>, each},
      {"SoftShrink", "nn", "threshold", "x",
       [](const Arguments& a) -> Tensors { return soft_shrink(a.tensor(0), a.number("threshold", 0.5)); }, each},
      {"HardShrink", "nn", "threshold", "x",
       [](const Arguments& a) -> Tensors { return hard_shrink(a.tensor(0), a.number("threshold", 0.5)); }, each},
      {"Squareplus", "nn", "b", "x",
       [](const Arguments& a) -> Tensors { return squareplus(a.tensor(0), a.number("b", 4.0)); }, each},
      {"LeakyRelu", "nn", "negative_slope", "x",
       [](const Arguments& a) -> Tensors { return leaky_relu(a.tensor(0), a.number("negative_slope", 0.2)); }, each},
      {"Elu", "nn", "alpha", "x",
       [](const Arguments& a) -> Tensors { return elu(a.tensor(0), a.number("alpha", 1.0)); }, each},
      {"Celu", "nn", "alpha", "x",
       [](const Arguments& a) -> Tensors { return celu(a.tensor(0), a.number("alpha", 1.0)); }, each},
      {"Gelu", "nn", "approximate", "x",
       [](const Arguments& a) -> Tensors { return gelu(a.tensor(0), a.flag("approximate", true)); }, each},
      {"Threshold", "nn", "threshold default_value", "x",
       [](const Arguments& a) -> Tensors {
         return threshold(a.tensor(0), a.option("threshold").as_double(), a.option("default_value").as_double());
       },
       each},
      {"Glu", "nn", "axis", "x", [](const Arguments& a) -> Tensors { return glu(a.tensor(0), axis_or_last(a)); }},
      {"Softmax", "nn", "axis", "x",
       [](const Arguments& a) -> Tensors {
         return along(a, [](const Tensor& x, const Axes& axes) { return softmax(x, axes); });
       }},
      {"LogSoftmax", "nn", "axis", "x",
       [](const Arguments& a) -> Tensors {
         return along(a, [](const Tensor& x, const Axes& axes) { return log_softmax(x, axes); });
       }},
      {"Sparsemax", "nn", "axis", "x",
       [](const Arguments& a) -> Tensors { return sparsemax(a.tensor(0), axis_or_last(a)); }},
      {"MaxPool", "nn", "pool_size strides padding data_format", "inputs",
       [](const Arguments& a) -> Tensors { return max_pool(a.tensor(0), a.sizes("pool_size"), pool_arguments(a)); }},
      {"AveragePool", "nn", "pool_size strides padding data_format", "inputs",
       [](const Arguments& a) -> Tensors {
         return average_pool(a.tensor(0), a.sizes("pool_size"), pool_arguments(a));
       }},
      {"Conv", "nn", "strides padding data_format dilation_rate", "inputs kernel",
       [](const Arguments& a) -> Tensors { return conv(a.tensor(0), a.tensor(1), {}, conv_arguments(a)); }},
      {"DepthwiseConv", "nn", "strides padding data_format dilation_rate", "inputs kernel",
       [](const Arguments& a) -> Tensors { return depthwise_conv(a.tensor(0), a.tensor(1), {}, conv_arguments(a)); }},
      {"SeparableConv", "nn", "strides padding data_format dilation_rate", "inputs depthwise_kernel pointwise_kernel",
       [](const Arguments& a) -> Tensors {
         return separable_conv(a.tensor(0), a.tensor(1), a.tensor(2), {}, conv_arguments(a));
       }},
      {"ConvTranspose", "nn", "strides padding output_padding data_format dilation_rate", "inputs kernel",
       conv_transpose_of},
      {"OneHot", "nn", "num_classes axis dtype sparse", "x",
       [](const Arguments& a) -> Tensors {
         return one_hot(class_numbers(a.tensor(0)), a.option("num_classes").as_int(), axis_or_last(a),
                        dtype_option(a).value_or(floatx()));
       }},
      {"BinaryCrossentropy", "nn", "from_logits", "target output",
       [](const Arguments& a) -> Tensors {
         return binary_crossentropy(a.tensor(0), a.tensor(1), a.flag("from_logits", false));
       }},
      {"CategoricalCrossentropy", "nn", "from_logits axis", "target output",
       [](const Arguments& a) -> Tensors {
         return categorical_crossentropy(a.tensor(0), a.tensor(1), a.flag("from_logits", false), axis_or_last(a));
       }},
      {"SparseCategoricalCrossentropy", "nn", "from_logits axis", "target output",
       [](const Arguments& a) -> Tensors {
         return sparse_categorical_crossentropy(a.tensor(0), a.tensor(1), a.flag("from_logits", false),
                                                axis_or_last(a));
       }},
      {"BatchNorm", "nn", "axis epsilon", "x mean variance offset scale",
       [](const Arguments& a) -> Tensors {
         return batch_normalization(a.tensor(0), a.tensor(1), a.tensor(2), a.option("axis").as_int(),
                                    a.tensor_or_none(3), a.tensor_or_none(4), a.number("epsilon", 1e-3));
       }},
      {"Normalize", "nn", "axis order epsilon", "x",
       [](const Arguments& a) -> Tensors {
         const double order = a.number("order", 2.0), least = a.number("epsilon", epsilon());
         const Tensor x = a.tensor(0);
         if (a.none("axis")) return reshape(normalize(reshape(x, {-1}), -1, order, least), x.shape());
         return normalize(x, axis_or_last(a), order, least);
       }},
      {"RMSNorm", "nn", "axis epsilon", "x scale", rms_norm_of},
      {"LayerNorm", "nn", "axis epsilon rms_scaling", "x gamma beta", layer_norm_of},
      {"DotProductAttention", "nn", "is_causal flash_attention attn_logits_soft_cap", "query key value bias mask scale",
       attention_of},
      {"Resize", "image",
       "size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value data_format",
       "images", resize_of},
  };
}

}  // namespace nyala::detail
