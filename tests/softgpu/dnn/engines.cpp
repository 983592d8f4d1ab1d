#include <algorithm>
#include <cmath>
#include <cstring>

#include "dnn/graph.hpp"
#include "runtime/product.hpp"

// The engines, and what they compute: convolutions by columns and a matrix product, pointwise functions one by one.

namespace softgpu::dnn {
namespace {

bool half(const Graph& graph) { return graph.convolution->x.type != CUDNN_DATA_FLOAT; }

/// Fused into float32 convolutions other than by tensor cores: bias and ReLU only.
bool simply_fused(const Graph& graph) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& operation) {
    return operation.mode == CUDNN_POINTWISE_ADD || operation.mode == CUDNN_POINTWISE_RELU_FWD;
  });
}

/// Sizes of the spatial axes, three of them.
std::array<std::int64_t, 3> spatial(const TensorSpec& tensor) {
  std::array<std::int64_t, 3> out{1, 1, 1};
  std::copy(tensor.dimensions.begin() + 2, tensor.dimensions.end(),
            out.end() - static_cast<std::ptrdiff_t>(tensor.dimensions.size() - 2));
  return out;
}

struct Shapes {
  explicit Shapes(const Convolution& convolution)
      : c(convolution),
        in(spatial(c.x)),
        size(spatial(c.w)),
        out(spatial(c.y)),
        batch(c.x.dimensions[0]),
        channels(c.w.dimensions[1]),
        outputs(c.w.dimensions[0] / c.groups) {}

  const Convolution& c;
  std::array<std::int64_t, 3> in, size, out;
  std::int64_t batch, channels, outputs;  // of one group
  std::int64_t positions() const { return out[0] * out[1] * out[2]; }
  std::int64_t window() const { return size[0] * size[1] * size[2] * channels; }

  /// visit(place in a row of columns, first channel in x or -1 outside) for the cells of one output position.
  template <class Visit>
  void cells(std::int64_t sample, std::int64_t group, std::int64_t position, Visit visit) const {
    const std::array<std::int64_t, 3> at{position / (out[1] * out[2]), position / out[2] % out[1], position % out[2]};
    std::int64_t place = 0;
    for (std::int64_t a = 0; a < size[0]; ++a) {
      for (std::int64_t b = 0; b < size[1]; ++b) {
        for (std::int64_t d = 0; d < size[2]; ++d, place += channels) {
          const std::int64_t i = at[0] * c.stride[0] - c.pad[0] + a * c.dilation[0];
          const std::int64_t j = at[1] * c.stride[1] - c.pad[1] + b * c.dilation[1];
          const std::int64_t k = at[2] * c.stride[2] - c.pad[2] + d * c.dilation[2];
          const bool inside = i >= 0 && i < in[0] && j >= 0 && j < in[1] && k >= 0 && k < in[2];
          const std::int64_t cell = ((sample * in[0] + i) * in[1] + j) * in[2] + k;
          visit(place, inside ? cell * channels * c.groups + group * channels : -1);
        }
      }
    }
  }
};

using Floats = std::vector<float>;

Floats loaded(const TensorSpec& tensor, const void* memory, bool round) {
  Floats out(extent(tensor) / size_of(tensor.type));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float value = load<float>(cuda_type(tensor.type), memory, static_cast<std::int64_t>(i));
    out[i] = round ? tensor_float(value) : value;
  }
  return out;
}

void stored(const TensorSpec& tensor, void* memory, const Floats& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    store(cuda_type(tensor.type), memory, static_cast<std::int64_t>(i), values[i]);
}

Floats transposed(const float* in, std::int64_t rows, std::int64_t columns, std::int64_t row_stride) {
  Floats out(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) out[static_cast<std::size_t>(j * rows + i)] = in[i * row_stride + j];
  return out;
}

/// Rows of `width` from rows of `stride`.
Floats cut(const float* in, std::int64_t rows, std::int64_t width, std::int64_t stride) {
  Floats out;
  for (std::int64_t i = 0; i < rows; ++i) out.insert(out.end(), in + i * stride, in + i * stride + width);
  return out;
}

/// The convolution in float32; the result has the memory order of its tensor.
Floats convolve(const Convolution& c, const std::map<std::int64_t, void*>& memory, bool round) {
  const Shapes s(c);
  const auto read = [&](const TensorSpec& tensor) { return loaded(tensor, memory.at(tensor.id), round); };
  const bool forward = c.kind == Convolution::Kind::forward, data = c.kind == Convolution::Kind::backward_data;
  const Floats x = data ? Floats() : read(c.x), w = forward || data ? read(c.w) : Floats();
  const Floats y = forward ? Floats() : read(c.y);
  Floats out(extent(forward ? c.y : data ? c.x : c.w) / size_of((forward ? c.y : data ? c.x : c.w).type));
  const std::int64_t positions = s.positions(), window = s.window(), all_outputs = s.outputs * c.groups;
  Floats columns(static_cast<std::size_t>(positions * window)), part;
  for (std::int64_t sample = 0; sample < s.batch; ++sample) {
    for (std::int64_t group = 0; group < c.groups; ++group) {
      if (!data) {
        for (std::int64_t position = 0; position < positions; ++position) {
          s.cells(sample, group, position, [&](std::int64_t place, std::int64_t cell) {
            float* to = columns.data() + position * window + place;
            if (cell < 0)
              std::fill_n(to, s.channels, 0.0F);
            else
              std::copy_n(x.data() + cell, s.channels, to);
          });
        }
      }
      const float* filter = w.empty() ? nullptr : w.data() + group * s.outputs * window;
      const std::int64_t first = sample * positions * all_outputs + group * s.outputs;
      if (forward) {
        part.resize(static_cast<std::size_t>(positions * s.outputs));
        const Floats turned = transposed(filter, s.outputs, window, window);
        product(s.outputs, positions, window, turned.data(), columns.data(), part.data());
        for (std::int64_t position = 0; position < positions; ++position)
          std::copy_n(part.data() + position * s.outputs, s.outputs, out.data() + first + position * all_outputs);
      } else if (data) {
        const Floats gradient = cut(y.data() + first, positions, s.outputs, all_outputs);
        product(window, positions, s.outputs, filter, gradient.data(), columns.data());
        for (std::int64_t position = 0; position < positions; ++position) {
          s.cells(sample, group, position, [&](std::int64_t place, std::int64_t cell) {
            if (cell < 0) return;
            const float* from = columns.data() + position * window + place;
            for (std::int64_t i = 0; i < s.channels; ++i) out[static_cast<std::size_t>(cell + i)] += from[i];
          });
        }
      } else {
        part.resize(static_cast<std::size_t>(s.outputs * window));
        const Floats gradient = transposed(y.data() + first, positions, s.outputs, all_outputs);
        product(window, s.outputs, positions, columns.data(), gradient.data(), part.data());
        float* to = out.data() + group * s.outputs * window;
        for (std::size_t i = 0; i < part.size(); ++i) to[i] += part[i];
      }
    }
  }
  return out;
}

float apply(cudnnPointwiseMode_t mode, float x) {
  switch (mode) {
    case CUDNN_POINTWISE_RELU_FWD: return x < 0.0F ? 0.0F : x;
    case CUDNN_POINTWISE_TANH_FWD: return std::tanh(x);
    case CUDNN_POINTWISE_SIGMOID_FWD: return 1.0F / (1.0F + std::exp(-x));
    case CUDNN_POINTWISE_GELU_FWD: return 0.5F * x * (1.0F + std::erf(x * 0.70710678F));
    case CUDNN_POINTWISE_GELU_APPROX_TANH_FWD:
      return 0.5F * x * (1.0F + std::tanh(0.7978845608F * (x + 0.044715F * x * x * x)));
    case CUDNN_POINTWISE_SWISH_FWD: return x / (1.0F + std::exp(-x));
    default: break;
  }
  return x;
}

}  // namespace

bool channels_last(const TensorSpec& tensor) {
  std::int64_t stride = tensor.dimensions[1];
  if (tensor.strides[1] != 1 && tensor.dimensions[1] != 1) return false;
  for (std::size_t axis = tensor.dimensions.size() - 1; axis >= 2; --axis) {
    if (tensor.strides[axis] != stride && tensor.dimensions[axis] != 1) return false;
    stride *= tensor.dimensions[axis];
  }
  return tensor.strides[0] == stride || tensor.dimensions[0] == 1;
}

std::vector<Engine> engines_for(const Graph& graph, cudnnBackendHeurMode_t mode) {
  if (!graph.convolution) {
    if (mode == CUDNN_HEUR_MODE_FALLBACK) return {};
    if (graph.norm) return {Engine::atomic_norm, Engine::norm};
    if (graph.resample) return {Engine::atomic_pooling, Engine::pooling};
    if (graph.pointwise()) return {Engine::wide_pointwise, Engine::pointwise};
    return {Engine::wide_attention, Engine::attention};
  }
  if (graph.convolution->asymmetric) return {};
  if (mode == CUDNN_HEUR_MODE_FALLBACK) {
    if (half(graph) || simply_fused(graph)) return {Engine::fallback};
    return {};
  }
  if (half(graph)) return {Engine::picky, Engine::tensor_core, Engine::with_workspace};
  if (!simply_fused(graph)) return {Engine::tensor_core};
  return {Engine::tensor_core, Engine::picky, Engine::with_workspace};
}

std::vector<cudnnBackendNumericalNote_t> notes_of(Engine engine, const Graph& graph) {
  if (engine == Engine::tensor_core) {
    if (half(graph)) return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
    return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS};
  }
  const bool atomic = engine == Engine::atomic_norm || (engine == Engine::atomic_pooling && graph.resample->backward);
  if (atomic) return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
  if (graph.norm || graph.resample || graph.pointwise()) return {};
  if (!graph.convolution) {
    if (attention_of(graph.nodes)->backward)
      return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
  }
  if (engine == Engine::with_workspace && graph.convolution->kind == Convolution::Kind::backward_filter)
    return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
  return {};
}

std::optional<std::int64_t> plan(Engine engine, const Graph& graph) {
  if (graph.norm) return plan_norm(engine, graph);
  if (graph.resample) return plan_resample(engine, *graph.resample);
  if (graph.pointwise()) return plan_pointwise(engine, graph);
  if (!graph.convolution) return plan_attention(engine, graph);
  const Convolution& c = *graph.convolution;
  for (const TensorSpec* tensor : {&c.x, &c.w, &c.y, &graph.output()})
    if (!channels_last(*tensor)) return std::nullopt;
  switch (engine) {
    case Engine::tensor_core: {
      const std::int64_t multiple = half(graph) ? 8 : 4;
      if (c.groups != 1 || c.x.dimensions[1] % multiple != 0 || c.w.dimensions[0] % multiple != 0) return std::nullopt;
      for (const TensorSpec& tensor : graph.stored())
        if (tensor.alignment < 16) return std::nullopt;
      return 0;
    }
    case Engine::picky:
      if (c.groups != 1 || c.dilation != std::array<std::int64_t, 3>{1, 1, 1} || c.x.dimensions[1] > 4)
        return std::nullopt;
      return 640;
    case Engine::with_workspace: return 4096 + 16;
    case Engine::fallback: return 0;
    default: break;
  }
  return std::nullopt;
}

void execute(const Graph& graph, Engine engine, const Operands& operands) {
  if (graph.norm) return execute_norm(graph, operands);
  if (graph.resample) return execute_resample(*graph.resample, operands);
  if (!graph.convolution) return execute_nodes(graph.nodes, operands);
  const std::map<std::int64_t, void*>& memory = operands.memory;
  const bool round = engine == Engine::tensor_core && !half(graph);
  Floats values = convolve(*graph.convolution, memory, round);
  for (const Node& operation : graph.nodes) {
    if (!operation.b) {
      for (float& value : values) value = apply(operation.mode, value);
      continue;
    }
    // The second operand broadcasts; values lie channels last.
    const TensorSpec& b = *operation.b;
    const Floats added = loaded(b, memory.at(b.id), false);
    const std::vector<std::int64_t>& sizes = operation.x.dimensions;
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto rest = static_cast<std::int64_t>(i);
      std::int64_t place = b.dimensions[1] == 1 ? 0 : rest % sizes[1] * b.strides[1];
      rest /= sizes[1];
      for (std::size_t axis = sizes.size() - 1; axis >= 2; --axis) {
        place += b.dimensions[axis] == 1 ? 0 : rest % sizes[axis] * b.strides[axis];
        rest /= sizes[axis];
      }
      place += b.dimensions[0] == 1 ? 0 : rest * b.strides[0];
      values[i] += added[static_cast<std::size_t>(place)];
    }
  }
  stored(graph.output(), memory.at(graph.output().id), values);
}

}  // namespace softgpu::dnn

using softgpu::dnn::Descriptor;
using softgpu::dnn::is_live;
using softgpu::dnn::wrong;

extern "C" cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_handle,
                                             cudnnBackendDescriptor_t pack_handle) {
  constexpr const char* what = "cudnnBackendExecute";
  if (const cudnnStatus_t status = softgpu::dnn::check_handle(handle, what); status != CUDNN_STATUS_SUCCESS)
    return status;
  if (!is_live(plan_handle) || !is_live(pack_handle)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor");
  const auto &plan = *static_cast<const Descriptor*>(plan_handle), &pack = *static_cast<const Descriptor*>(pack_handle);
  if (!plan.finalized || !pack.finalized)
    return wrong(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, what, "a plan or variant pack that is not finalized");
  if (plan.type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || pack.type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
    return wrong(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, what, "not a plan, or not a variant pack");
  if (const std::string missing = softgpu::dnn::missing_part(plan); !missing.empty())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, missing);
  if (handle->device != plan.device) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a plan of another device");
  softgpu::count("executions");
  if (softgpu::fault("execute"))
    return softgpu::dnn::refuse(CUDNN_STATUS_NOT_SUPPORTED, what, "this engine refuses, on demand");

  const auto ids = pack.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  auto* const workspace = pack.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  softgpu::dnn::Operands operands;
  std::map<std::int64_t, void*>& memory = operands.memory;
  for (std::size_t i = 0; i < ids.size(); ++i) memory[ids[i]] = pointers[i];
  std::vector<softgpu::Use> uses;
  const std::vector<softgpu::dnn::TensorSpec> stored = plan.graph->stored();
  if (memory.size() != stored.size())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, "the variant pack has other tensors than the graph");
  for (const softgpu::dnn::TensorSpec& tensor : stored) {
    if (!memory.contains(tensor.id)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a tensor without memory");
    const void* pointer = memory[tensor.id];
    if (!tensor.is_by_value &&
        reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(tensor.alignment) != 0)
      return wrong(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, what, "memory aligned to less than its tensor says");
    if (tensor.is_by_value) {
      if (pointer == nullptr || softgpu::is_device_memory(pointer))
        return wrong(CUDNN_STATUS_BAD_PARAM, what, "a value that does not lie in the host's memory");
      operands.numbers[tensor.id] = *static_cast<const float*>(pointer);
      continue;
    }
    uses.push_back({pointer, softgpu::dnn::extent(tensor),
                    plan.graph->writes(tensor.id) ? softgpu::Use::Kind::write : softgpu::Use::Kind::read});
  }
  const auto workspace_bytes = static_cast<std::size_t>(plan.workspace);
  if (workspace_bytes > 0) {
    if (workspace == nullptr) return wrong(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what, "a plan that needs workspace");
    if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0)
      return wrong(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, what, "a workspace not aligned to 256 bytes");
    uses.push_back(softgpu::writes(workspace, workspace_bytes));
  }
  const cudaError_t error = softgpu::enqueue(
      handle->stream, what, uses, [graph = plan.graph, engine = plan.engine, operands, workspace, workspace_bytes] {
        if (workspace_bytes > 0) std::memset(workspace, 0x5A, workspace_bytes);
        softgpu::dnn::execute(*graph, engine, operands);
      });
  if (error == cudaSuccess) return CUDNN_STATUS_SUCCESS;
  cudaGetLastError();
  return CUDNN_STATUS_EXECUTION_FAILED;
}
