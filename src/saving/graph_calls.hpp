#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nyala/config.hpp>
#include <nyala/layer.hpp>

namespace nyala::saving {

/// Which layer's which output a tensor is.
struct Reference {
  std::size_t layer = 0;
  std::int64_t call = 0, output = 0;
};

/// One call, as the file has it: markers stand for the tensors.
struct Call {
  Config structure;
  std::vector<Reference> references;
  std::map<std::string, Tensor> constants;
  bool listed = false;  // in the form of lists
};

using Places = std::map<std::string, std::size_t>;  // of the layers, by name

/// Whether it is [layer name, call, output] (and more).
bool is_triple(const Config& value);
Reference reference(const Config& triple, const Places& places);
/// The calls of a layer from its `inbound_nodes`: Keras 3's nodes of args and kwargs, or the lists before them.
std::vector<Call> calls_of(const Config& nodes, const Places& places);
/// Calls the layer as the file says, with the tensors that the call refers to.
std::vector<KerasTensor> call_layer(const LayerRef& layer, const Call& call, const std::vector<KerasTensor>& tensors);

}  // namespace nyala::saving
