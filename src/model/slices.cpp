#include "model/slices.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <unordered_set>

#include <nyala/autograd.hpp>
#include <nyala/error.hpp>
#include <nyala/ops/shape.hpp>

#include "core/parallel.hpp"
#include "core/tensor_impl.hpp"
#include "model/layer_state.hpp"
#include "model/model_state.hpp"
#include "model/own_class.hpp"

namespace nyala::detail {

namespace {

/// What a layer takes and gives stays in a second-level cache of usual size, with room for weights.
constexpr std::int64_t cache_bytes = 1 << 20;

/// Layers whose every row of output follows, in inference, from the same row of their inputs.
const std::set<std::string>& row_by_row() {
  static const std::set<std::string> names{"InputLayer",
                                           "Dense",
                                           "Activation",
                                           "ReLU",
                                           "LeakyReLU",
                                           "ELU",
                                           "PReLU",
                                           "Softmax",
                                           "Conv1D",
                                           "Conv2D",
                                           "Conv3D",
                                           "DepthwiseConv1D",
                                           "DepthwiseConv2D",
                                           "SeparableConv1D",
                                           "SeparableConv2D",
                                           "Conv1DTranspose",
                                           "Conv2DTranspose",
                                           "Conv3DTranspose",
                                           "MaxPooling1D",
                                           "MaxPooling2D",
                                           "MaxPooling3D",
                                           "AveragePooling1D",
                                           "AveragePooling2D",
                                           "AveragePooling3D",
                                           "GlobalMaxPooling1D",
                                           "GlobalMaxPooling2D",
                                           "GlobalMaxPooling3D",
                                           "GlobalAveragePooling1D",
                                           "GlobalAveragePooling2D",
                                           "GlobalAveragePooling3D",
                                           "BatchNormalization",
                                           "LayerNormalization",
                                           "GroupNormalization",
                                           "Dropout",
                                           "SpatialDropout1D",
                                           "SpatialDropout2D",
                                           "SpatialDropout3D",
                                           "GaussianNoise",
                                           "GaussianDropout",
                                           "AlphaDropout",
                                           "Flatten",
                                           "Reshape",
                                           "Permute",
                                           "UpSampling1D",
                                           "UpSampling2D",
                                           "UpSampling3D",
                                           "ZeroPadding1D",
                                           "ZeroPadding2D",
                                           "ZeroPadding3D",
                                           "Cropping1D",
                                           "Cropping2D",
                                           "Cropping3D",
                                           "Rescaling",
                                           "Add",
                                           "Subtract",
                                           "Multiply",
                                           "Average",
                                           "Maximum",
                                           "Minimum",
                                           "Concatenate"};
  return names;
}

/// Whether "axis" of a layer's config, if it has one, is surely not that of the rows: a positive one, or the last.
bool spares_rows(const Config& config) {
  if (!config.contains("axis")) return true;
  const Config& axis = config.get("axis");
  if (axis.is_integer()) return axis.as_integer() != 0 && axis.as_integer() >= -1;
  if (!axis.is_array()) return false;
  const std::vector<std::int64_t> axes = axis.as_integers();
  return std::all_of(axes.begin(), axes.end(), [](std::int64_t one) { return one != 0 && one >= -1; });
}

bool row_by_row(const Layer& layer) {
  const std::string name = layer.class_name();
  return row_by_row().count(name) != 0 && is_own_class(layer, name) && state_of(layer).activity_regularizer == nullptr;
}

/// Of one row: what lies between the layers, and the most that a layer takes and gives.
struct Traffic {
  std::int64_t sum = 0, most = 0;
  std::vector<const Layer*> layers = {};
};

/// 0 if it is not known, or if there is nothing behind the rows, or if their number is fixed.
std::int64_t row_bytes(const Shape& shape) {
  if (shape.rank() < 2 || shape[0] != None) return 0;
  std::int64_t elements = 1;
  for (int axis = 1; axis < shape.rank(); ++axis) {
    const std::int64_t size = shape.at(axis);
    if (size == None || __builtin_mul_overflow(elements, size, &elements)) return 0;
  }
  return elements * 4;
}

/// Adds what the nodes of a model move; false if not all can run row by row.
bool add_traffic(const Model& model, Traffic& traffic) {
  if (!is_own_class(model, "Model") && !is_own_class(model, "Sequential")) return false;
  const ModelState& state = *model.model_state();
  if (state.kind == ModelKind::subclass || state.outputs.empty() || state_of(model).activity_regularizer != nullptr)
    return false;
  std::unordered_set<const GraphNode*> seen;
  for (const KerasTensor& input : state.inputs) {
    if (row_bytes(input.shape()) == 0) return false;
    seen.insert(input.node().get());
  }
  std::vector<const GraphNode*> open;
  for (const KerasTensor& output : state.outputs) open.push_back(output.node().get());
  while (!open.empty()) {
    const GraphNode& node = *open.back();
    open.pop_back();
    if (!seen.insert(&node).second) continue;
    const bool plain = node.context.arguments.is_null() && node.context.tensors.empty() && node.keywords.empty();
    if (!plain || node.shapes.size() != 1 || node.inputs.empty()) return false;
    const auto* inner = dynamic_cast<const Model*>(&*node.layer);
    if (inner != nullptr ? !add_traffic(*inner, traffic) : !row_by_row(*node.layer)) return false;
    if (inner == nullptr) traffic.layers.push_back(&*node.layer);
    std::int64_t moved = row_bytes(node.shapes.front());
    if (moved == 0) return false;
    traffic.sum += moved;
    for (const KerasTensor& input : node.inputs) {
      const std::int64_t bytes = row_bytes(input.shape());
      if (bytes == 0) return false;
      moved += bytes;
      open.push_back(input.node().get());
    }
    traffic.most = std::max(traffic.most, moved);
  }
  return true;
}

bool options_allow(const Layer* layer) {
  static const std::set<std::string> policies{"float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"};
  try {
    return policies.count(state_of(*layer).policy.name()) != 0 && spares_rows(layer->config());
  } catch (const Error&) {
    return false;  // a function of the user's
  }
}

/// 0 if there is none, or where a mask goes along.
std::int64_t rows_in_all(const Tensors& x) {
  std::int64_t rows = 0;
  for (const Tensor& input : x) {
    if (!input.defined() || input.rank() == 0 || input.impl()->mask != nullptr) return 0;
    if (rows != 0 && input.shape()[0] != rows) return 0;
    rows = input.shape()[0];
  }
  return rows;
}

}  // namespace

bool Slices::pay(std::int64_t n) {
  if (n < 4 || !model_.built()) return false;
  std::atomic<std::int64_t>& known = model_.model_state()->slice_rows;
  rows_ = known.load(std::memory_order_relaxed);
  if (rows_ == 0 || (rows_ > 0 && n <= 3 * rows_)) return false;
  if (allowed_) return *allowed_;
  Traffic traffic;
  if (add_traffic(model_, traffic) && traffic.most > 0) {
    rows_ = std::max<std::int64_t>(1, cache_bytes / traffic.most);
    // Every slice reads all weights; what lies between the layers must be worth it.
    if (model_.count_params() * 4 > rows_ * traffic.sum / 2) rows_ = 0;
  } else {
    rows_ = 0;
  }
  known.store(rows_, std::memory_order_relaxed);
  if (rows_ == 0 || n <= 3 * rows_) return false;
  allowed_ = std::all_of(traffic.layers.begin(), traffic.layers.end(), options_allow);
  return *allowed_;
}

Tensors Slices::run_some(const Tensors& x, std::int64_t begin, std::int64_t end) const {
  const StopRecording stop;
  Tensors part;
  for (const Tensor& input : x) part.push_back(input.rows(begin, end));
  return const_cast<Model&>(model_).outputs(part, CallContext{.training = false});
}

Tensors Slices::run(const Tensors& x) {
  const std::int64_t n = rows_in_all(x);
  if (pay(n)) {
    try {
      return run_in_slices(x, n);
    } catch (const Error&) {
      // What is wrong is told of the whole batch, below.
    }
  }
  const StopRecording stop;
  return const_cast<Model&>(model_).outputs(x, CallContext{.training = false});
}

Tensors Slices::run_in_slices(const Tensors& x, std::int64_t n) const {
  // The slices depend on n and the model alone: the results are those of any number of threads. They are of equal size,
  // and as many as two or four threads can share.
  const std::int64_t wanted = (n - 1) / rows_ + 1, shared = wanted > 8 ? 4 : 2,
                     count = std::min((wanted + shared - 1) / shared * shared, n);
  std::vector<std::vector<Tensor>> parts(model_.model_state()->outputs.size(),
                                         std::vector<Tensor>(static_cast<std::size_t>(count)));
  parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slice = begin; slice < end; ++slice) {
      const Tensors outputs = run_some(x, n * slice / count, n * (slice + 1) / count);
      for (std::size_t i = 0; i < parts.size(); ++i) parts[i][static_cast<std::size_t>(slice)] = outputs[i];
    }
  });
  Tensors results;
  for (const std::vector<Tensor>& of_output : parts) results.push_back(concatenate(of_output, 0));
  return results;
}

}  // namespace nyala::detail
