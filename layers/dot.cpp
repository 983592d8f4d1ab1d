#include <nyala/error.hpp>
#include <nyala/layers/merging.hpp>

namespace nyala {

Dot::Dot(const std::vector<int>& axes, DotOptions options)
    : LayerOf(options), axes_(axes), normalize_(options.normalize) {
  if (axes.size() != 1 && axes.size() != 2) {
    throw Error("Dot: axes must be one number or two, got " + std::to_string(axes.size()));
  }
}

Dot Dot::from_config(const Config& config) {
  std::vector<int> axes;
  for (const std::int64_t axis : config.at("axes").as_integers()) axes.push_back(static_cast<int>(axis));
  return Dot(axes, with_base(DotOptions{.normalize = config.get("normalize", false)}, config));
}

std::pair<int, int> Dot::axes_of(int rank_a, int rank_b) const {
  const int first = axes_.front(), second = axes_.back();
  const int a = first < 0 ? first + rank_a : first, b = second < 0 ? second + rank_b : second;
  if (a < 1 || a >= rank_a || b < 1 || b >= rank_b) {
    throw Error(label() + ": axes " + Config(axes_).json() + " are out of range for inputs of ranks " +
                std::to_string(rank_a) + " and " + std::to_string(rank_b) + " (the batch axis cannot be summed over)");
  }
  return {a, b};
}

void Dot::build_all(const std::vector<Shape>& inputs) { compute_output_shapes(inputs); }

Tensors Dot::call(const Tensors& inputs, bool) {
  const auto [axis_a, axis_b] = axes_of(inputs[0].rank(), inputs[1].rank());
  const Tensor x = normalize_ ? normalize(inputs[0], axis_a) : inputs[0];
  const Tensor y = normalize_ ? normalize(inputs[1], axis_b) : inputs[1];
  std::string left = "a", right = "a", kept = "a";
  char letter = 'c';
  for (int axis = 1; axis < x.rank(); ++axis) {
    left += axis == axis_a ? 'b' : letter;
    if (axis != axis_a) kept += letter++;
  }
  for (int axis = 1; axis < y.rank(); ++axis) {
    right += axis == axis_b ? 'b' : letter;
    if (axis != axis_b) kept += letter++;
  }
  const Tensor product = einsum(left + "," + right + "->" + kept, {x, y});
  return product.rank() == 1 ? expand_dims(product, 1) : product;
}

std::vector<Shape> Dot::compute_output_shapes(const std::vector<Shape>& inputs) const {
  if (inputs.size() != 2) throw Error(label() + ": takes exactly two inputs, got " + std::to_string(inputs.size()));
  const auto [a, b] = axes_of(inputs[0].rank(), inputs[1].rank());
  const std::int64_t left = inputs[0].at(a), right = inputs[1].at(b);
  if (left != right && left != None && right != None) {
    throw Error(label() + ": the axes summed over differ: " + inputs[0].str() + " axis " + std::to_string(a) + " and " +
                inputs[1].str() + " axis " + std::to_string(b));
  }
  Shape output = inputs[0], rest = inputs[1];
  output.erase(static_cast<std::size_t>(a));
  rest.erase(static_cast<std::size_t>(b));
  for (std::size_t axis = 1; axis < rest.size(); ++axis) output.push_back(rest[axis]);
  if (output.size() == 1) output.push_back(1);
  return {output};
}

Config Dot::config() const {
  Config config = base_config();
  config["axes"] = axes_.size() == 1 ? Config(axes_.front()) : Config(axes_);
  config["normalize"] = normalize_;
  return config;
}

}  // namespace nyala
