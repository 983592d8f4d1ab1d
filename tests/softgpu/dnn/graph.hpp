#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dnn/handle.hpp"

namespace softgpu::dnn {

/// The values of an attribute, as they were set.
struct Attribute {
  std::vector<std::byte> bytes;
  std::int64_t count = 0;
};

struct TensorSpec {
  std::int64_t id = 0, alignment = 0;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<std::int64_t> dimensions, strides;
  bool is_virtual = false, is_by_value = false;

  bool operator==(const TensorSpec&) const = default;
};

/// A convolution in three spatial axes, of which the first may be unused.
struct Convolution {
  enum class Kind { forward, backward_data, backward_filter } kind = Kind::forward;
  TensorSpec x, w, y;  // whichever of them is the output
  std::array<std::int64_t, 3> pad{0, 0, 0}, stride{1, 1, 1}, dilation{1, 1, 1};
  bool asymmetric = false;
  std::int64_t groups = 1;
};

/// An operation that is no convolution.
struct Node {
  enum class Kind { pointwise, reduction, matmul, reshape } kind = Kind::pointwise;
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
  cudnnReduceTensorOp_t reduction = CUDNN_REDUCE_TENSOR_ADD;
  std::size_t axis = 0;  // of GEN_INDEX
  TensorSpec x, y;
  std::optional<TensorSpec> b, condition;

  /// x and those of b and condition that there are.
  std::vector<TensorSpec> inputs() const;
};

/// A batch normalization in training, or its gradient.
struct Norm {
  bool backward = false;
  TensorSpec x, y;                     // backward: dx
  TensorSpec mean, inverse, scale;     // mean and the deviation's inverse are results of the forward
  TensorSpec bias, epsilon;            // of the forward
  TensorSpec gradient, dscale, dbias;  // of the backward

  std::vector<TensorSpec> inputs() const;
  std::vector<TensorSpec> outputs() const;
};

/// A pooling, or the gradient of one: alone in its graph. In three spatial axes, of which the first may be unused.
struct Resample {
  bool backward = false;
  cudnnResampleMode_t mode = CUDNN_RESAMPLE_MAXPOOL;
  bool propagates_nan = false;
  cudnnPaddingMode_t padding = CUDNN_ZERO_PAD;
  TensorSpec x, y;  // backward: dx and dy
  std::array<std::int64_t, 3> window{1, 1, 1}, stride{1, 1, 1}, before{0, 0, 0}, after{0, 0, 0};
};

/// The graphs that the engines know: a convolution or a normalization, and after a forward one pointwise operations; a
/// pooling; attention; or pointwise operations alone.
struct Graph {
  std::optional<Convolution> convolution;
  std::optional<Norm> norm;
  std::optional<Resample> resample;
  std::vector<Node> nodes;

  bool pointwise() const;
  /// Of a convolution or a normalization and what follows it.
  const TensorSpec& output() const;
  /// All tensors that are stored, or given by value.
  std::vector<TensorSpec> stored() const;
  bool writes(std::int64_t id) const;
};

/// The sizes of an attention that a graph describes.
struct AttentionGraph {
  bool backward = false;
  TensorSpec query, key, value, out;  // key: (batch, heads, dim, time); value too, in the backward
  std::optional<TensorSpec> bias;
  std::vector<TensorSpec> floats;  // statistics and sums
};
/// Nothing if the nodes are not those that the engines recognise, in their order.
std::optional<AttentionGraph> attention_of(const std::vector<Node>& nodes);

enum class Engine {
  tensor_core,
  picky,
  with_workspace,
  fallback,
  wide_attention,
  attention,
  atomic_norm,
  norm,
  atomic_pooling,
  pooling,
  wide_pointwise,
  pointwise
};

struct Descriptor;

/// A descriptor that another is made of; the serial number tells whether it still is the same one.
struct Part {
  const Descriptor* descriptor;
  std::uint64_t serial;
};

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  std::uint64_t serial = 0;
  void* real = nullptr;  // NVIDIA's own, see mirror.cpp
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes;
  std::vector<Part> parts;  // must live as long as this one is used

  // What finalizing makes of it, by type.
  TensorSpec tensor;
  Convolution convolution;
  Node node;
  Norm norm;
  Resample resample;
  std::shared_ptr<const Graph> graph;
  Engine engine = Engine::fallback;
  std::int64_t workspace = 0;
  int device = 0;

  bool has(cudnnBackendAttributeName_t name) const { return attributes.contains(name); }
  template <class T>
  std::vector<T> all(cudnnBackendAttributeName_t name) const {
    const Attribute& values = attributes.at(name);
    std::vector<T> out(static_cast<std::size_t>(values.count));
    std::copy(values.bytes.begin(), values.bytes.end(), reinterpret_cast<std::byte*>(out.data()));
    return out;
  }
  template <class T>
  T one(cudnnBackendAttributeName_t name) const {
    return all<T>(name).front();
  }
  const Descriptor& part(cudnnBackendAttributeName_t name) const {
    return *static_cast<const Descriptor*>(one<cudnnBackendDescriptor_t>(name));
  }
};

/// The same for a descriptor of NVIDIA's library, if there is one; finalized after ours was.
void mirror_create(Descriptor& descriptor);
void mirror_destroy(Descriptor& descriptor);
void mirror_set(Descriptor& descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                std::int64_t count, const void* elements);
void mirror_finalize(Descriptor& descriptor);

/// Empty, or which of the parts, or of their parts, was destroyed meanwhile.
std::string missing_part(const Descriptor& descriptor);

/// Checks the attributes against each other and fills what finalizing makes.
cudnnStatus_t finalize(Descriptor& descriptor);
/// Of it, operations that are no convolutions, and the descriptors that say how they compute.
cudnnStatus_t finalize_node(Descriptor& descriptor);
/// … and normalizations.
cudnnStatus_t finalize_norm(Descriptor& descriptor);
/// … poolings, and their windows.
cudnnStatus_t finalize_resample(Descriptor& descriptor);
/// A broken rule of cudnnBackendFinalize.
cudnnStatus_t bad(const std::string& why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM);
/// Success, or that one of these was never set.
cudnnStatus_t require(const Descriptor& d, std::initializer_list<cudnnBackendAttributeName_t> names);

/// The engines that a heuristic names for a graph.
std::vector<Engine> engines_for(const Graph& graph, cudnnBackendHeurMode_t mode);
std::vector<cudnnBackendNumericalNote_t> notes_of(Engine engine, const Graph& graph);
/// Bytes of workspace, or nothing if the engine refuses the graph.
std::optional<std::int64_t> plan(Engine engine, const Graph& graph);

/// The same for the engines of attention, of normalizations, of poolings, and of pointwise operations alone.
std::optional<std::int64_t> plan_attention(Engine engine, const Graph& graph);
std::optional<std::int64_t> plan_norm(Engine engine, const Graph& graph);
std::optional<std::int64_t> plan_resample(Engine engine, const Resample& resample);
std::optional<std::int64_t> plan_pointwise(Engine engine, const Graph& graph);

/// Memory by the tensors' ids, and what was given by value.
struct Operands {
  std::map<std::int64_t, void*> memory;
  std::map<std::int64_t, float> numbers;
};
/// Run on the stream's thread.
void execute(const Graph& graph, Engine engine, const Operands& operands);
void execute_nodes(const std::vector<Node>& nodes, const Operands& operands);
void execute_norm(const Graph& graph, const Operands& operands);
void execute_resample(const Resample& resample, const Operands& operands);

std::size_t size_of(cudnnDataType_t type);
cudaDataType_t cuda_type(cudnnDataType_t type);
/// Packed, the channels innermost.
bool channels_last(const TensorSpec& tensor);
/// From the first byte to the last.
std::size_t extent(const TensorSpec& tensor);

}  // namespace softgpu::dnn
