#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/attention.hpp>

#include "weight_options.hpp"

namespace nyala {

namespace {

struct Parts {
  std::string input, kernel, output;
  bool left_elided = false, right_elided = false;
};

/// "...ab,bc->...ac": the labels without the dots, and on which side these stand.
Parts parse(std::string equation) {
  std::erase(equation, ' ');
  const std::size_t comma = equation.find(','), arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) {
    throw Error("EinsumDense: the equation must have the form \"ab,bc->ac\", got \"" + equation + "\"");
  }
  Parts parts{equation.substr(0, comma), equation.substr(comma + 1, arrow - comma - 1), equation.substr(arrow + 2)};
  const auto strip = [](std::string& labels, bool& left, bool& right) {
    const std::size_t dots = labels.find("...");
    if (dots == std::string::npos) return;
    (dots == 0 ? left : right) = true;
    labels.erase(dots, 3);
  };
  bool left = false, right = false;
  strip(parts.input, left, right);
  strip(parts.output, parts.left_elided, parts.right_elided);
  if (left != parts.left_elided || right != parts.right_elided) {
    throw Error("EinsumDense: \"...\" must stand on the same side of input and output, got \"" + equation + "\"");
  }
  return parts;
}

}  // namespace

EinsumDense::EinsumDense(const std::string& equation, const Shape& output_shape, EinsumDenseOptions options)
    : LayerOf(options),
      WithLora("EinsumDense", options.lora_rank, options.lora_alpha, !options.kernel_constraint.is_none()),
      equation_(equation),
      output_shape_(output_shape),
      options_(options),
      activation_(options.activation, "EinsumDense") {
  track(activation_);
  const Parts parts = parse(equation);
  // "abc,cde->abde" is a product of matrices: the kernel's first labels end the input, its others end the output.
  for (std::size_t n = 1; n <= std::min(parts.input.size(), parts.kernel.size()); ++n) {
    const std::string rest = parts.input.substr(0, parts.input.size() - n), own = parts.kernel.substr(n);
    const bool disjoint = own.find_first_of(parts.input) == std::string::npos;
    if (parts.input.substr(parts.input.size() - n) == parts.kernel.substr(0, n) && parts.output == rest + own &&
        !parts.right_elided && disjoint && !own.empty() && (options.bias_axes.empty() || options.bias_axes == own)) {
      contracted_ = static_cast<int>(n);
    }
  }
}

EinsumDense EinsumDense::from_config(const Config& config) {
  const Config& shape = config.at("output_shape");
  return EinsumDense(config.at("equation").as_string(), shape.is_array() ? shape.as_shape() : Shape{shape.as_integer()},
                     weight_options::from_config(EinsumDenseOptions{.bias_axes = config.get("bias_axes", ""),
                                                                    .lora_rank = config.optional_int("lora_rank"),
                                                                    .lora_alpha = config.optional_int("lora_alpha")},
                                                 config));
}

EinsumDense::Shapes EinsumDense::shapes_for(const Shape& input) const {
  const Parts parts = parse(equation_);
  const auto elided = static_cast<int>(input.size()) - static_cast<int>(parts.input.size());
  if (elided < 0 || (elided > 0 && !parts.left_elided && !parts.right_elided)) {
    throw Error(label() + ": the equation \"" + equation_ + "\" does not fit an input of shape " + input.str());
  }
  const auto before = static_cast<std::size_t>(parts.left_elided ? elided : 0);
  const auto dots = static_cast<std::size_t>(elided);
  Shapes shapes;
  shapes.output.push_back(input[0]);
  if (parts.left_elided) {
    for (std::size_t i = 1; i < dots; ++i) shapes.output.push_back(input[i]);
  }
  for (const std::int64_t size : output_shape_) shapes.output.push_back(size);
  if (parts.right_elided) {
    for (std::size_t i = input.size() - dots; i < input.size(); ++i) shapes.output.push_back(input[i]);
  }
  if (shapes.output.size() != parts.output.size() + dots) {
    throw Error(label() + ": output_shape " + output_shape_.str() + " does not fit the equation \"" + equation_ + "\"");
  }
  const auto in_input = [&](char label_wanted) -> std::int64_t* {
    static thread_local std::int64_t size;
    const std::size_t at = parts.input.find(label_wanted);
    if (at == std::string::npos) return nullptr;
    size = input[at + before];
    return &size;
  };
  for (std::size_t i = 0; i < parts.output.size(); ++i) {
    const std::int64_t* size = in_input(parts.output[i]);
    std::int64_t& own = shapes.output[i + before];
    if (size == nullptr) continue;
    if (own != None && *size != None && own != *size) {
      throw Error(label() + ": output_shape " + output_shape_.str() + " contradicts the input " + input.str() +
                  " on the label \"" + parts.output[i] + "\"");
    }
    if (own == None) own = *size;
  }
  for (const char letter : parts.kernel) {
    const std::int64_t* size = in_input(letter);
    const std::size_t at = parts.output.find(letter);
    if (size != nullptr)
      shapes.kernel.push_back(*size);
    else if (at != std::string::npos)
      shapes.kernel.push_back(shapes.output[at + before]);
    else
      throw Error(label() + ": the kernel's label \"" + letter + "\" stands neither in the input nor in the output");
  }
  if (!options_.bias_axes.empty()) {
    std::size_t first = parts.output.size();
    for (const char letter : options_.bias_axes) {
      const std::size_t at = parts.output.find(letter);
      if (at == std::string::npos) {
        throw Error(label() + ": bias_axes names \"" + letter + "\", which is not in the output of \"" + equation_ +
                    "\"");
      }
      first = std::min(first, at);
    }
    for (std::size_t i = first; i < parts.output.size(); ++i) {
      const bool own = options_.bias_axes.find(parts.output[i]) != std::string::npos;
      shapes.bias.push_back(own ? shapes.output[i + before] : 1);
    }
    if (parts.right_elided) {
      for (std::size_t i = 0; i < dots; ++i) shapes.bias.push_back(1);
    }
  }
  return shapes;
}

void EinsumDense::build(const Shape& input) {
  const Shapes shapes = shapes_for(input);
  kernel_ = add_weight("kernel", shapes.kernel, options_.kernel_initializer,
                       {.regularizer = options_.kernel_regularizer, .constraint = options_.kernel_constraint});
  if (!options_.bias_axes.empty()) {
    bias_ = add_weight("bias", shapes.bias, options_.bias_initializer,
                       {.regularizer = options_.bias_regularizer, .constraint = options_.bias_constraint});
  }
  make_lora();
}

void EinsumDense::make_lora() {
  add_lora([this](const std::string& name, const Shape& shape, const InitializerRef& initial) {
    return this->add_weight(name, shape, initial,
                            {.dtype = DType::float32, .regularizer = options_.kernel_regularizer});
  });
}

void EinsumDense::enable_lora(int rank, std::optional<int> lora_alpha) {
  ask_for_lora(label(), built(), rank, lora_alpha, !options_.kernel_constraint.is_none());
  make_lora();
}

Tensor EinsumDense::forward(const Tensor& x, bool) {
  const bool with_bias = !options_.bias_axes.empty();
  if (contracted_ == 0) {
    const Tensor y = einsum(equation_, {x, adapted_kernel()});
    return activation_(with_bias ? y + Tensor(bias_) : y);
  }
  const Tensor kernel = adapted_kernel();
  const auto n = static_cast<std::size_t>(contracted_);
  std::int64_t in = 1, units = 1;
  Shape output(x.shape().begin(), x.shape().end() - contracted_), rows = output;
  for (std::size_t i = 0; i < n; ++i) in *= kernel.shape()[i];
  for (std::size_t i = n; i < kernel.shape().size(); ++i) {
    units *= kernel.shape()[i];
    output.push_back(kernel.shape()[i]);
  }
  rows.push_back(in);
  const Tensor bias = with_bias ? reshape(bias_, {units}) : Tensor();
  const Tensor y = dense(n == 1 ? x : reshape(x, rows), reshape(kernel, {in, units}), bias);
  return activation_(reshape(y, output));
}

Shape EinsumDense::compute_output_shape(const Shape& input) const { return shapes_for(input).output; }

Config EinsumDense::config() const {
  Config config = base_config();
  config["output_shape"] = output_shape_;
  config["equation"] = equation_;
  config["activation"] = activation_.config();
  config["bias_axes"] = options_.bias_axes.empty() ? Config() : Config(options_.bias_axes);
  weight_options::write(config, options_);
  config["quantization_config"] = Config();
  lora_.write(config);
  return config;
}

}  // namespace nyala
