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
  bool is_virtual = false;

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

struct Pointwise {
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_ADD;
  TensorSpec x, y;
  std::optional<TensorSpec> b;
};

/// A graph that the engines know: a convolution, and after a forward one pointwise operations.
struct Graph {
  Convolution convolution;
  std::vector<Pointwise> pointwise;

  const TensorSpec& output() const;
  /// All tensors that are stored.
  std::vector<TensorSpec> stored() const;
};

enum class Engine { tensor_core, picky, with_workspace, fallback };

struct Descriptor;

/// A descriptor that another is made of; the serial number tells whether it still is the same one.
struct Part {
  const Descriptor* descriptor;
  std::uint64_t serial;
};

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  std::uint64_t serial = 0;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes;
  std::vector<Part> parts;  // must live as long as this one is used

  // What finalizing makes of it, by type.
  TensorSpec tensor;
  Convolution convolution;
  Pointwise pointwise;
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

/// Empty, or which of the parts, or of their parts, was destroyed meanwhile.
std::string missing_part(const Descriptor& descriptor);

/// Checks the attributes against each other and fills what finalizing makes.
cudnnStatus_t finalize(Descriptor& descriptor);

/// The engines that a heuristic names for a graph.
std::vector<Engine> engines_for(const Graph& graph, cudnnBackendHeurMode_t mode);
std::vector<cudnnBackendNumericalNote_t> notes_of(Engine engine, const Graph& graph);
/// Bytes of workspace, or nothing if the engine refuses the graph.
std::optional<std::int64_t> plan(Engine engine, const Graph& graph);

/// Runs on the stream's thread: memory by the tensors' ids.
void execute(const Graph& graph, Engine engine, const std::map<std::int64_t, void*>& memory);

std::size_t size_of(cudnnDataType_t type);
cudaDataType_t cuda_type(cudnnDataType_t type);
/// From the first byte to the last.
std::size_t extent(const TensorSpec& tensor);

}  // namespace softgpu::dnn
