#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>

#include "dnn/graph.hpp"

// Setting and reading attributes of backend descriptors: which there are, of what type, how many values.

namespace softgpu::dnn {
namespace {

enum Access { settable, readable };

struct Rule {
  cudnnBackendDescriptorType_t descriptor;
  cudnnBackendAttributeName_t name;
  cudnnBackendAttributeType_t type;
  std::int64_t least, most;
  Access access = settable;
};

constexpr std::int64_t any = 1 << 20;

constexpr Rule rules[] = {
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, 1},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, 1},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 1, 8},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 1, 8},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, 1},
    {CUDNN_BACKEND_TENSOR_DESCRIPTOR, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, 1},
    {CUDNN_BACKEND_MATMUL_DESCRIPTOR, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_REDUCTION_DESCRIPTOR, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, 1},
    {CUDNN_BACKEND_REDUCTION_DESCRIPTOR, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_AXIS, CUDNN_TYPE_INT64, 1, 1},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, 1},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, 1},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 1, 6},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 1, 6},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 1, 6},
    {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 1, 6},
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, 1},
    {CUDNN_BACKEND_POINTWISE_DESCRIPTOR, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_MODE, CUDNN_TYPE_RESAMPLE_MODE, 1, 1},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, 1},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, 1},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_POST_PADDINGS, CUDNN_TYPE_FRACTION, 1, 6},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, CUDNN_TYPE_FRACTION, 1, 6},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_STRIDES, CUDNN_TYPE_FRACTION, 1, 6},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, CUDNN_TYPE_FRACTION, 1, 6},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, 1},
    {CUDNN_BACKEND_RESAMPLE_DESCRIPTOR, CUDNN_ATTR_RESAMPLE_PADDING_MODE, CUDNN_TYPE_PADDING_MODE, 1, 1},
    {CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_TYPE_NORM_MODE, 1, 1},
    {CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_TYPE_NORM_FWD_PHASE, 1,
     1},
    {CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_TYPE_NORM_MODE, 1, 1},
    {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, 1},
    {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, any},
    {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1},
    {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, 1},
    {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, any,
     readable},
    {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, 1, readable},
    {CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, 0, any, readable},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, 1},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
     1},
    {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 0, 1,
     readable},
    {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 1, any},
    {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 1, any},
    {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, 1}};

/// Operations: which attributes are descriptors and which scalars follows from their numbers.
std::optional<Rule> rule_for(cudnnBackendDescriptorType_t descriptor, cudnnBackendAttributeName_t name) {
  for (const Rule& rule : rules)
    if (rule.descriptor == descriptor && rule.name == name) return rule;
  const auto within = [&](cudnnBackendDescriptorType_t type, int first, int last) {
    return descriptor == type && name >= first && name <= last;
  };
  const bool forward = within(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, 700, 705);
  const bool data = within(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, 706, 711);
  const bool filter = within(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, 712, 717);
  if (forward || data || filter) {
    const bool scalar = (name - 700) % 6 < 2;
    return Rule{descriptor, name, scalar ? CUDNN_TYPE_FLOAT : CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1};
  }
  const bool pointwise = within(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, 750, 753) ||
                         within(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, 758, 758);
  if (pointwise || within(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, 1520, 1523) ||
      within(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, 1610, 1612) ||
      within(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR, 2200, 2201))
    return Rule{descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1};
  const bool norm = within(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR, 2002, 2007) ||
                    within(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR, 2013, 2013) ||
                    within(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR, 2101, 2105) ||
                    within(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR, 2107, 2109);
  const bool pooling = within(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR, 1710, 1711) ||
                       within(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR, 1716, 1716) ||
                       within(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR, 1720, 1721) ||
                       within(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR, 1725, 1725);
  if (norm || pooling) return Rule{descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, 1};
  return std::nullopt;
}

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN: return 1;
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return 8;
    case CUDNN_TYPE_FRACTION: return 16;
    default: return 4;
  }
}

std::string named(const Descriptor& descriptor, int attribute) {
  return "attribute " + std::to_string(attribute) + " of a descriptor of type " + std::to_string(descriptor.type);
}

/// The descriptors that the caller made to be filled.
template <class Fill>
cudnnStatus_t fill_descriptors(cudnnBackendDescriptorType_t type, std::size_t available, std::int64_t requested,
                               void* elements, Fill fill) {
  constexpr const char* what = "cudnnBackendGetAttribute";
  auto* const handles = static_cast<cudnnBackendDescriptor_t*>(elements);
  for (std::size_t i = 0; i < std::min(available, static_cast<std::size_t>(requested)); ++i) {
    if (!is_live(handles[i])) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a descriptor to fill that is none");
    auto& descriptor = *static_cast<Descriptor*>(handles[i]);
    if (descriptor.type != type)
      return wrong(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, what, "a descriptor to fill of another type");
    fill(descriptor, i);
    descriptor.finalized = true;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t read(const Descriptor& from, cudnnBackendAttributeName_t name, std::int64_t requested,
                   std::int64_t& count, void* elements) {
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
    const std::vector<Engine> engines =
        engines_for(*from.graph, from.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE));
    count = static_cast<std::int64_t>(engines.size());
    return fill_descriptors(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, engines.size(), requested, elements,
                            [&](Descriptor& configuration, std::size_t i) {
                              configuration.graph = from.graph;
                              configuration.engine = engines[i];
                              const Descriptor& graph = from.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
                              configuration.parts = {{&graph, graph.serial}};
                            });
  }
  if (name == CUDNN_ATTR_ENGINECFG_ENGINE) {
    count = 1;
    return fill_descriptors(CUDNN_BACKEND_ENGINE_DESCRIPTOR, 1, requested, elements,
                            [&](Descriptor& engine, std::size_t) {
                              engine.graph = from.graph;
                              engine.engine = from.engine;
                              engine.parts = from.parts;
                            });
  }
  if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
    const std::vector<cudnnBackendNumericalNote_t> notes = notes_of(from.engine, *from.graph);
    count = static_cast<std::int64_t>(notes.size());
    std::copy_n(notes.begin(), std::min(count, requested), static_cast<cudnnBackendNumericalNote_t*>(elements));
    return CUDNN_STATUS_SUCCESS;
  }
  count = 1;
  if (requested > 0) *static_cast<std::int64_t*>(elements) = from.workspace;
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

std::string missing_part(const Descriptor& descriptor) {
  for (const auto& [part, serial] : descriptor.parts) {
    if (!is_live(part) || part->serial != serial) return "a descriptor that it is made of was destroyed";
    if (const std::string missing = missing_part(*part); !missing.empty()) return missing;
  }
  return "";
}

}  // namespace softgpu::dnn

using softgpu::dnn::Descriptor;
using softgpu::dnn::is_live;
using softgpu::dnn::wrong;

extern "C" {

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  if (descriptor == nullptr)
    return wrong(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnBackendCreateDescriptor", "no place for the descriptor");
  auto* made = new Descriptor{};
  static std::atomic<std::uint64_t> serial = 0;
  made->type = type;
  made->serial = ++serial;
  softgpu::dnn::mirror_create(*made);
  softgpu::dnn::add_live(made);
  *descriptor = made;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  if (!softgpu::dnn::remove_live(descriptor, "cudnnBackendDestroyDescriptor")) return CUDNN_STATUS_BAD_PARAM;
  softgpu::dnn::mirror_destroy(*static_cast<Descriptor*>(descriptor));
  delete static_cast<Descriptor*>(descriptor);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count, const void* elements) {
  constexpr const char* what = "cudnnBackendSetAttribute";
  if (!is_live(handle)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor, or one that was destroyed");
  auto& descriptor = *static_cast<Descriptor*>(handle);
  const auto rule = softgpu::dnn::rule_for(descriptor.type, name);
  const std::string which = softgpu::dnn::named(descriptor, name);
  if (!rule || rule->access != softgpu::dnn::settable)
    return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, which + ", which cannot be set");
  if (descriptor.finalized) return wrong(CUDNN_STATUS_BAD_PARAM, what, which + " that is finalized");
  if (type != rule->type) return wrong(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, what, which + ": another type of value");
  if (count < rule->least || count > rule->most)
    return wrong(CUDNN_STATUS_BAD_PARAM, what, which + ": " + std::to_string(count) + " values");
  if (elements == nullptr) return wrong(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what, which + ": no values");
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    for (std::int64_t i = 0; i < count; ++i) {
      const void* part = static_cast<const cudnnBackendDescriptor_t*>(elements)[i];
      if (!is_live(part)) return wrong(CUDNN_STATUS_BAD_PARAM, what, which + ": not a descriptor");
      if (!static_cast<const Descriptor*>(part)->finalized)
        return wrong(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, what, which + ": a descriptor that is not finalized");
    }
  }
  if (type == CUDNN_TYPE_HANDLE) {
    const auto dnn = *static_cast<const cudnnHandle_t*>(elements);
    if (const cudnnStatus_t status = softgpu::dnn::check_handle(dnn, what); status != CUDNN_STATUS_SUCCESS)
      return status;
  }
  softgpu::dnn::Attribute& attribute = descriptor.attributes[name];
  const auto* bytes = static_cast<const std::byte*>(elements);
  attribute.bytes.assign(bytes, bytes + static_cast<std::size_t>(count) * softgpu::dnn::bytes_of(type));
  attribute.count = count;
  softgpu::dnn::mirror_set(descriptor, name, type, count, elements);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t handle, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t requested, std::int64_t* count,
                                       void* elements) {
  constexpr const char* what = "cudnnBackendGetAttribute";
  if (!is_live(handle)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor, or one that was destroyed");
  const auto& descriptor = *static_cast<const Descriptor*>(handle);
  const auto rule = softgpu::dnn::rule_for(descriptor.type, name);
  const std::string which = softgpu::dnn::named(descriptor, name);
  if (!rule || rule->access != softgpu::dnn::readable)
    return wrong(CUDNN_STATUS_NOT_SUPPORTED, what, which + ", which the software GPU does not read");
  if (!descriptor.finalized) return wrong(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, what, which + " that is not finalized");
  if (type != rule->type) return wrong(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, what, which + ": another type of value");
  if (requested < 0 || (requested > 0 && elements == nullptr) || count == nullptr)
    return wrong(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, what, which + ": no place for the values");
  if (const std::string missing = softgpu::dnn::missing_part(descriptor); !missing.empty())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, which + ": " + missing);
  return softgpu::dnn::read(descriptor, name, requested, *count, elements);
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t handle) {
  constexpr const char* what = "cudnnBackendFinalize";
  if (!is_live(handle)) return wrong(CUDNN_STATUS_BAD_PARAM, what, "not a descriptor, or one that was destroyed");
  auto& descriptor = *static_cast<Descriptor*>(handle);
  if (descriptor.finalized) return wrong(CUDNN_STATUS_BAD_PARAM, what, "a descriptor that is finalized already");
  descriptor.parts.clear();
  for (const auto& [name, attribute] : descriptor.attributes) {
    if (softgpu::dnn::rule_for(descriptor.type, name)->type != CUDNN_TYPE_BACKEND_DESCRIPTOR) continue;
    for (const cudnnBackendDescriptor_t part : descriptor.all<cudnnBackendDescriptor_t>(name))
      descriptor.parts.push_back({static_cast<const Descriptor*>(part), static_cast<const Descriptor*>(part)->serial});
  }
  if (const std::string missing = softgpu::dnn::missing_part(descriptor); !missing.empty())
    return wrong(CUDNN_STATUS_BAD_PARAM, what, missing);
  const cudnnStatus_t status = softgpu::dnn::finalize(descriptor);
  descriptor.finalized = status == CUDNN_STATUS_SUCCESS;
  if (descriptor.finalized) softgpu::dnn::mirror_finalize(descriptor);
  return status;
}
}
