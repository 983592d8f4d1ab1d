#include <nyala/error.hpp>
#include <nyala/layers/merging.hpp>

namespace nyala {

Concatenate::Concatenate(ConcatenateOptions options) : LayerOf(options), axis_(options.axis) {}

Concatenate Concatenate::from_config(const Config& config) {
  return Concatenate(with_base(ConcatenateOptions{.axis = config.get("axis", -1)}, config));
}

int Concatenate::axis_of(int rank) const {
  const int axis = axis_ < 0 ? axis_ + rank : axis_;
  if (axis < 0 || axis >= rank) {
    throw Error(label() + ": axis " + std::to_string(axis_) + " is out of range for inputs of rank " +
                std::to_string(rank));
  }
  return axis;
}

void Concatenate::build_all(const std::vector<Shape>& inputs) { compute_output_shapes(inputs); }

Tensors Concatenate::call(const Tensors& inputs, bool) { return concatenate(inputs.vector(), axis_); }

std::vector<Shape> Concatenate::compute_output_shapes(const std::vector<Shape>& inputs) const {
  if (inputs.empty()) throw Error(label() + ": a merging layer needs at least one input");
  Shape output = inputs.front();
  const auto along = static_cast<std::size_t>(axis_of(output.rank()));
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape& shape = inputs[i];
    bool fits = shape.size() == output.size();
    for (std::size_t axis = 0; fits && axis < shape.size(); ++axis) {
      if (axis == along) {
        output[axis] = output[axis] == None || shape[axis] == None ? None : output[axis] + shape[axis];
      } else {
        fits = output[axis] == shape[axis] || output[axis] == None || shape[axis] == None;
        if (output[axis] == None) output[axis] = shape[axis];
      }
    }
    if (!fits) {
      throw Error(label() + ": the inputs must agree on every axis but " + std::to_string(axis_) + ", got " +
                  inputs.front().str() + " and " + shape.str());
    }
  }
  return {output};
}

std::vector<Tensor> Concatenate::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  bool any_mask = false;
  for (const Tensor& mask : masks) any_mask = any_mask || mask.defined();
  if (!any_mask) return {};
  std::vector<Tensor> wide;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor mask = i < masks.size() ? masks[i] : Tensor();
    if (!mask.defined()) {
      wide.push_back(ones(inputs[i].shape(), DType::boolean));
      continue;
    }
    while (mask.rank() < inputs[i].rank()) mask = expand_dims(mask, -1);
    wide.push_back(broadcast_to(mask, inputs[i].shape()));
  }
  return {any(concatenate(wide, axis_), -1)};
}

Config Concatenate::config() const {
  Config config = base_config();
  config["axis"] = axis_;
  return config;
}

}  // namespace nyala
