#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/attention.hpp>
#include <nyala/layers/dense.hpp>
#include <nyala/layers/quantized.hpp>

#include "quantized_support.hpp"
#include "weight_options.hpp"

namespace nyala {

namespace {

using quantization::Mode;
using quantization::Quantized;

/// Dense, or EinsumDense where there is an equation.
class QuantizedDense : public LayerOf<QuantizedDense>, public Quantized {
 public:
  QuantizedDense(const std::string& class_name, const Config& config, const DenseOptions& options)
      : LayerOf(options),
        Quantized(config),
        class_name_(class_name),
        given_(config),
        options_(options),
        activation_(options.activation, class_name),
        quantizer_(quantization::input_quantizer_of(quantization_, scheme_.mode)) {
    track(activation_);
    if (class_name == "EinsumDense") equation_ = config.at("equation").as_string();
  }

  void build(const Shape& input) override {
    const LayerRef like = plain_layer();
    like->build_now({input});
    const Shape kernel = like->weights().front().shape();
    shape_ = kernel;
    input_axes_ = {-1};
    Shape scale{kernel.back()};
    std::int64_t rows = kernel.front(), columns = kernel.back();
    if (!equation_.empty()) read_equation(kernel, input.rank(), scale, rows, columns);
    const bool float8 = scheme_.mode == Mode::float8;
    if (!float8) add_numbers(rows, columns, scale);
    if (float8) {
      // Before the kernel among the layer's weights, after the bias among the stored ones: as in Keras.
      add_float8_scales();
      kernel_ = add_weight("kernel", shape_, options_.kernel_initializer,
                           {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
      stored_.insert(stored_.begin(), kernel_);
    }
    if (like->weights().size() > 1) {
      bias_ = add_weight("bias", like->weights()[1].shape(), options_.bias_initializer,
                         {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
      stored_.insert(stored_.begin() + (calibrated() ? 0 : 1), bias_);
    }
    if (lora_.rank) {
      Shape a = kernel;
      a.back() = *lora_.rank;
      const WeightOptions options{.dtype = DType::float32, .regularizer = options_.kernel_regularizer};
      lora_.a = add_weight("lora_kernel_a", a, "he_uniform", options);
      lora_.b = add_weight("lora_kernel_b", {*lora_.rank, kernel.back()}, "zeros", options);
    }
  }

  Tensor forward(const Tensor& x, bool training) override {
    Tensor y = scheme_.mode == Mode::float8 ? float8_product(x, training) : whole_product(x, training);
    if (lora_.enabled()) y = y + cast(matmul(product(x, lora_.a), Tensor(lora_.b)) * lora_.scale(), y.dtype());
    if (bias_.defined()) {
      const Tensor bias = bias_;
      const bool narrow = scheme_.mode == Mode::float8 && bias.dtype() == DType::float32;
      y = y + (narrow ? cast(cast(bias, DType::bfloat16), DType::float32) : bias);
    }
    return activation_(y);
  }

  Shape compute_output_shape(const Shape& input) const override { return plain_layer()->compute_output_shape(input); }
  bool supports_masking() const override { return true; }
  std::string class_name() const override { return class_name_; }
  Config config() const override {
    Config config = plain_layer()->config();
    config["name"] = name();
    config["trainable"] = trainable();
    return described(config);
  }

 private:
  LayerRef plain_layer() const {
    if (equation_.empty()) return LayerRef(Dense::from_config(given_));
    return LayerRef(EinsumDense::from_config(given_));
  }
  bool calibrated() const { return scheme_.mode == Mode::gptq || scheme_.mode == Mode::awq; }

  /// Which axes are summed over, and what the kernel's numbers are as a matrix.
  void read_equation(const Shape& kernel, int input_rank, Shape& scale, std::int64_t& rows, std::int64_t& columns) {
    std::string equation = equation_;
    std::erase(equation, ' ');
    const std::size_t comma = equation.find(','), arrow = equation.find("->");
    std::string input = equation.substr(0, comma), output = equation.substr(arrow + 2);
    const std::string weights = equation.substr(comma + 1, arrow - comma - 1);
    const auto spelled_out = [&](std::string& labels, int dots) {
      const std::size_t place = labels.find("...");
      if (place == std::string::npos) return;
      std::string axis_letters;
      for (int i = 0; i < dots; ++i) axis_letters += static_cast<char>('0' + i);
      labels.replace(place, 3, axis_letters);
    };
    const int dots = input_rank - static_cast<int>(input.size()) + 3;
    if (dots > 9) throw Error(label() + ": an input of rank " + std::to_string(input_rank) + " has too many axes");
    spelled_out(input, dots);
    spelled_out(output, dots);
    input_axes_.clear();
    for (std::size_t i = 0; i < input.size(); ++i) {
      if (output.find(input[i]) == std::string::npos) input_axes_.push_back(static_cast<int>(i));
    }
    rows = columns = 1;
    for (std::size_t i = 0; i < weights.size(); ++i)
      (output.find(weights[i]) == std::string::npos ? rows : columns) *= kernel[i];
    if (calibrated() && kernel.rank() == 3) {
      // Keras takes the largest axis for the model's width: first in projections, last in what gathers heads.
      const bool first = kernel[0] >= std::max(kernel[1], kernel[2]);
      rows = first ? kernel[0] : kernel[0] * kernel[1];
      columns = first ? kernel[1] * kernel[2] : kernel[2];
    } else if (calibrated() && kernel.rank() == 2) {
      rows = kernel[0];
      columns = kernel[1];
    }
    scale = {};
    aligned_.clear();
    aligned_axes_.clear();
    for (const char letter : output) {
      const std::size_t in_weights = weights.find(letter), in_input = input.find(letter);
      scale.push_back(in_weights == std::string::npos ? 1 : kernel[in_weights]);
      aligned_.push_back(in_input == std::string::npos);
      if (in_input != std::string::npos) aligned_axes_.push_back(static_cast<int>(in_input));
    }
  }

  void add_numbers(std::int64_t rows, std::int64_t columns, const Shape& scale) {
    const auto add = [this](const char* name, const Shape& shape, const char* initial, std::optional<DType> dtype) {
      stored_.push_back(add_weight(name, shape, initial, {.trainable = false, .dtype = dtype, .autocast = !dtype}));
      return stored_.back();
    };
    rows_ = rows;
    columns_ = columns;
    const std::int64_t packed = scheme_.packed() ? (columns + 1) / 2 : columns;
    switch (scheme_.mode) {
      case Mode::int8:
        kernel_ = add("kernel", shape_, "zeros", DType::int8);
        scale_ = add("kernel_scale", scale, "ones", {});
        break;
      case Mode::int4:
        kernel_ = add("kernel", {rows, packed}, "zeros", DType::int8);
        if (!scheme_.group) {
          scale_ = add("kernel_scale", {columns}, "ones", {});
          break;
        }
        scale_ = add("kernel_scale", {scheme_.groups(rows), columns}, "ones", {});
        zero_ = add("kernel_zero", {scheme_.groups(rows), columns}, "zeros", DType::int8);
        places_ = add("g_idx", {rows}, "zeros", DType::float32);
        break;
      case Mode::gptq:
      case Mode::awq:
        kernel_ = add("kernel", {packed, rows}, "zeros", DType::uint8);
        scale_ = add("kernel_scale", {columns, scheme_.groups(rows)}, "ones", {});
        zero_ = add("kernel_zero", {columns, scheme_.groups(rows)}, "zeros", DType::uint8);
        if (scheme_.mode == Mode::awq) channels_ = add("awq_scales", {rows}, "ones", {});
        places_ = add("g_idx", {rows}, "zeros", DType::float32);
        break;
      case Mode::float8: break;
    }
  }

  void add_float8_scales() {
    for (const char* of : {"inputs", "kernel", "outputs_grad"}) {
      for (const bool history : {false, true}) {
        const Shape shape = history ? Shape{scheme_.history} : Shape{};
        stored_.push_back(add_weight(std::string(of) + (history ? "_amax_history" : "_scale"), shape,
                                     history ? "zeros" : "ones", {.dtype = DType::float32, .autocast = false}));
        if (history) continue;
        if (!inputs_scale_.defined())
          inputs_scale_ = stored_.back();
        else if (!scale_.defined())
          scale_ = stored_.back();
      }
    }
  }

  Tensor product(const Tensor& x, const Tensor& kernel) const {
    return equation_.empty() ? dense(x, kernel) : einsum(equation_, {x, kernel});
  }

  Tensor float8_product(const Tensor& x, bool training) {
    if (training) throw Error("a float8 layer runs but does not train");
    return product(quantization::through_float8(x, inputs_scale_.value()),
                   quantization::through_float8(kernel_, scale_.value()));
  }

  /// The kernel in numbers of the compute dtype, before the channels' scales if `raw`.
  Tensor numbers(bool raw) const {
    const DType dtype = compute_dtype();
    const Tensor scale = cast(scale_.value(), dtype);
    if (scheme_.mode == Mode::int8) {
      const Tensor whole = cast(kernel_.value(), dtype);
      return raw ? whole : whole / kernel_layout(scale);
    }
    if (scheme_.mode == Mode::int4) {
      const Tensor whole = cast(quantization::unpacked(kernel_.value(), -1, columns_, true), dtype);
      if (scheme_.group)
        return reshape(quantization::from_groups(whole, scale, zero_.value(), places_.value(), 0), shape_);
      return reshape(raw ? whole : whole / scale, shape_);
    }
    const Tensor stored = kernel_.value();
    const Tensor whole = scheme_.packed() ? quantization::unpacked(stored, 0, columns_, false) : stored;
    Tensor kernel =
        transpose(quantization::from_groups(cast(whole, dtype), scale, zero_.value(), places_.value(), -1), {1, 0});
    if (channels_.defined()) kernel = kernel / expand_dims(cast(channels_.value(), dtype), -1);
    return reshape(kernel, shape_);
  }

  /// An EinsumDense keeps its scale in the output's layout.
  Tensor kernel_layout(const Tensor& scale) const {
    if (equation_.empty()) return scale;
    std::string equation = equation_;
    std::erase(equation, ' ');
    const std::size_t comma = equation.find(','), arrow = equation.find("->");
    const std::string weights = equation.substr(comma + 1, arrow - comma - 1);
    std::string output = equation.substr(arrow + 2);
    if (const std::size_t place = output.find("..."); place != std::string::npos)
      output.replace(place, 3, std::string(static_cast<std::size_t>(scale.rank()) - output.size() + 3, '.'));
    Shape shape;
    std::vector<int> order;
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t at = output.find(weights[i]);
      if (at != std::string::npos) places.emplace_back(i, at);
    }
    Shape kept;
    std::vector<std::size_t> sorted;
    for (const auto& [mine, at] : places) sorted.push_back(at);
    std::sort(sorted.begin(), sorted.end());
    for (const std::size_t at : sorted) kept.push_back(scale.shape()[at]);
    for (const auto& [mine, at] : places)
      order.push_back(static_cast<int>(std::find(sorted.begin(), sorted.end(), at) - sorted.begin()));
    for (std::size_t i = 0; i < weights.size(); ++i)
      shape.push_back(output.find(weights[i]) == std::string::npos ? 1 : shape_[i]);
    return reshape(transpose(reshape(scale, kept), order), shape);
  }

  /// An input's scale, one number per sample and kept axis, as it stands beside the output.
  Tensor output_layout(const Tensor& scale) const {
    if (equation_.empty()) return scale;
    Tensor result = transpose(squeeze(scale, Axes(input_axes_)), compressed(aligned_axes_));
    for (std::size_t i = 0; i < aligned_.size(); ++i) {
      if (aligned_[i]) result = expand_dims(result, static_cast<int>(i));
    }
    return result;
  }

  /// Axes of the input without those that are summed over.
  std::vector<int> compressed(std::vector<int> axes) const {
    for (int& axis : axes) {
      axis -= static_cast<int>(
          std::count_if(input_axes_.begin(), input_axes_.end(), [axis](int summed) { return summed < axis; }));
    }
    return axes;
  }

  Tensor whole_product(const Tensor& x, bool training) {
    if (!quantizer_) return product(x, numbers(false));
    const Tensor exact = training ? product(x, numbers(false)) : Tensor();
    const auto [values, input_scale] = (*quantizer_)(training ? stop_gradient(x) : x, Axes(input_axes_));
    Tensor y;
    if (scheme_.mode == Mode::int8)
      y = product(values, numbers(true)) / (output_layout(input_scale) * cast(scale_.value(), x.dtype()));
    else
      y = product(values, numbers(false)) / output_layout(input_scale);
    // Gradients go past the rounding, to the inputs as they were.
    return training ? exact + stop_gradient(y - exact) : y;
  }

  std::string class_name_, equation_;
  Config given_;
  DenseOptions options_;
  ActivationFunction activation_;
  std::optional<quantization::InputQuantizer> quantizer_;
  Shape shape_;
  std::int64_t rows_ = 0, columns_ = 0;
  std::vector<int> input_axes_, aligned_axes_;
  std::vector<bool> aligned_;
  Variable kernel_, bias_, scale_, zero_, places_, channels_, inputs_scale_;
};

}  // namespace

LayerRef quantized_layer(const std::string& class_name, const Config& config) {
  if (class_name == "Embedding" || class_name == "ReversibleEmbedding")
    return quantization::quantized_embedding(class_name, config);
  if (class_name != "Dense" && class_name != "EinsumDense")
    throw Error(class_name + ": there is no quantized layer of that class");
  return LayerRef(QuantizedDense(class_name, config, weight_options::from_config(DenseOptions{}, config)));
}

}  // namespace nyala
