#include <algorithm>

#include <nyala/error.hpp>
#include <nyala/layers/merging.hpp>

namespace nyala {

namespace {

/// Lower ranks get axes of size 1 after the batch axis, as Keras does.
std::vector<Tensor> aligned(const Tensors& inputs) {
  int rank = 0;
  for (const Tensor& input : inputs) rank = std::max(rank, input.rank());
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) {
    Tensor x = input;
    while (x.rank() < rank) x = expand_dims(x, 1);
    result.push_back(x);
  }
  return result;
}

void check_shapes(std::vector<Shape> shapes, const std::string& label) {
  if (shapes.empty()) throw Error(label + ": a merging layer needs at least one input");
}

Shape merged_shape(const std::vector<Shape>& inputs, const std::string& label) {
  check_shapes(inputs, label);
  std::size_t rank = 0;
  for (const Shape& input : inputs) rank = std::max(rank, input.size());
  Shape output;
  for (Shape shape : inputs) {
    while (shape.size() < rank) shape.insert(std::min<std::size_t>(1, shape.size()), 1);
    if (output.empty()) {
      output = shape;
      continue;
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
      std::int64_t& size = output[axis];
      if (size == shape[axis]) continue;
      if (size == 1 || (size == None && shape[axis] != 1))
        size = shape[axis];
      else if (shape[axis] != 1 && shape[axis] != None) {
        throw Error(label + ": the inputs cannot be merged, their shapes do not broadcast: " + inputs.front().str() +
                    " and " + shape.str());
      }
    }
  }
  return output;
}

/// As in Keras: a step counts if any input has it, and there is no mask unless every input has one.
std::vector<Tensor> merged_masks(const Tensors& inputs, const std::vector<Tensor>& masks) {
  Tensor result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (i >= masks.size() || !masks[i].defined()) return {Tensor()};
    result = result.defined() ? logical_or(result, masks[i]) : masks[i];
  }
  return {result};
}

/// The input's mask in the shape of x, or null.
Tensor spread_mask(const Tensor& input, const Tensor& x) {
  return input.mask().defined() ? broadcast_to(expand_dims(input.mask(), -1), x.shape()) : Tensor();
}

/// Maximum and Minimum, which know no neutral element: where one input is masked the other's value stands.
Tensor extreme(const Tensors& inputs, Tensor (*merge)(const Tensor&, const Tensor&)) {
  const std::vector<Tensor> all = aligned(inputs);
  Tensor result = all[0], result_mask = spread_mask(inputs[0], all[0]);
  for (std::size_t i = 1; i < all.size(); ++i) {
    Tensor x = all[i];
    const Tensor mask = spread_mask(inputs[i], x);
    if (mask.defined()) x = where(mask, x, result);
    if (result_mask.defined()) result = where(result_mask, result, x);
    result_mask = mask.defined() && result_mask.defined() ? logical_or(result_mask, mask) : Tensor();
    result = merge(result, x);
  }
  return result;
}

}  // namespace

Add::Add(BaseOptions options) : LayerOf(options) {}
Add Add::from_config(const Config& config) { return Add(with_base(BaseOptions{}, config)); }

void Add::build_all(const std::vector<Shape>& inputs) { merged_shape(inputs, label()); }

Tensors Add::call(const Tensors& inputs, bool) {
  const std::vector<Tensor> x = aligned(inputs);
  Tensor sum = x[0];
  for (std::size_t i = 1; i < x.size(); ++i) sum = sum + x[i];
  return sum;
}

std::vector<Shape> Add::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Add::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

Multiply::Multiply(BaseOptions options) : LayerOf(options) {}
Multiply Multiply::from_config(const Config& config) { return Multiply(with_base(BaseOptions{}, config)); }

void Multiply::build_all(const std::vector<Shape>& inputs) { merged_shape(inputs, label()); }

Tensors Multiply::call(const Tensors& inputs, bool) {
  const std::vector<Tensor> x = aligned(inputs);
  Tensor product, product_mask;
  bool all_masked = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Tensor mask = spread_mask(inputs[i], x[i]);
    const Tensor factor = mask.defined() ? where(mask, x[i], ones_like(x[i])) : x[i];
    product = product.defined() ? product * factor : factor;
    all_masked = all_masked && mask.defined();
    if (all_masked) product_mask = product_mask.defined() ? logical_or(product_mask, mask) : mask;
  }
  return all_masked ? where(product_mask, product, zeros_like(product)) : product;
}

std::vector<Shape> Multiply::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Multiply::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

Average::Average(BaseOptions options) : LayerOf(options) {}
Average Average::from_config(const Config& config) { return Average(with_base(BaseOptions{}, config)); }

void Average::build_all(const std::vector<Shape>& inputs) { merged_shape(inputs, label()); }

Tensors Average::call(const Tensors& inputs, bool) {
  const std::vector<Tensor> x = aligned(inputs);
  Tensor sum = x[0];
  for (std::size_t i = 1; i < x.size(); ++i) sum = sum + x[i];
  return sum / static_cast<double>(x.size());
}

std::vector<Shape> Average::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Average::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

Maximum::Maximum(BaseOptions options) : LayerOf(options) {}
Maximum Maximum::from_config(const Config& config) { return Maximum(with_base(BaseOptions{}, config)); }

void Maximum::build_all(const std::vector<Shape>& inputs) { merged_shape(inputs, label()); }

Tensors Maximum::call(const Tensors& inputs, bool) { return extreme(inputs, maximum); }

std::vector<Shape> Maximum::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Maximum::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

Minimum::Minimum(BaseOptions options) : LayerOf(options) {}
Minimum Minimum::from_config(const Config& config) { return Minimum(with_base(BaseOptions{}, config)); }

void Minimum::build_all(const std::vector<Shape>& inputs) { merged_shape(inputs, label()); }

Tensors Minimum::call(const Tensors& inputs, bool) { return extreme(inputs, minimum); }

std::vector<Shape> Minimum::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Minimum::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

Subtract::Subtract(BaseOptions options) : LayerOf(options) {}
Subtract Subtract::from_config(const Config& config) { return Subtract(with_base(BaseOptions{}, config)); }

void Subtract::build_all(const std::vector<Shape>& inputs) {
  if (inputs.size() != 2) throw Error(label() + ": takes exactly two inputs, got " + std::to_string(inputs.size()));
  merged_shape(inputs, label());
}

Tensors Subtract::call(const Tensors& inputs, bool) {
  const std::vector<Tensor> x = aligned(inputs);
  return x[0] - x[1];
}

std::vector<Shape> Subtract::compute_output_shapes(const std::vector<Shape>& inputs) const {
  return {merged_shape(inputs, label())};
}

std::vector<Tensor> Subtract::compute_masks(const Tensors& inputs, const std::vector<Tensor>& masks) const {
  return merged_masks(inputs, masks);
}

}  // namespace nyala
