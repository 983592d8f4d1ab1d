#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <type_traits>

#include "dnn/graph.hpp"

// Where NYALA_SOFTGPU_REAL_CUDNN names NVIDIA's library, it is given the same tensors and operations, and what it does
// not take is a broken rule. It makes and finalizes those without a GPU, but no handle, so no graphs of them.

namespace softgpu::dnn {
namespace {

struct RealLibrary {
  decltype(&cudnnBackendCreateDescriptor) create = nullptr;
  decltype(&cudnnBackendDestroyDescriptor) destroy = nullptr;
  decltype(&cudnnBackendSetAttribute) set = nullptr;
  decltype(&cudnnBackendFinalize) finalize = nullptr;
  decltype(&cudnnGetLastErrorString) message = nullptr;

  explicit RealLibrary(const char* path) {
    // Its own symbols before ours, which have the same names.
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    const auto find = [&](auto& function, const char* name) {
      if (library != nullptr)
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    };
    find(create, "cudnnBackendCreateDescriptor");
    find(destroy, "cudnnBackendDestroyDescriptor");
    find(set, "cudnnBackendSetAttribute");
    find(finalize, "cudnnBackendFinalize");
    find(message, "cudnnGetLastErrorString");
  }
  bool whole() const {
    return create != nullptr && destroy != nullptr && set != nullptr && finalize != nullptr && message != nullptr;
  }
  void refuses(const std::string& what, cudnnStatus_t status) const {
    std::array<char, 512> text{};
    message(text.data(), text.size());
    violation("cuDNN itself refuses " + what + ": " + std::to_string(status) + " " + text.data());
  }
};

const RealLibrary* real_library() {
  static const RealLibrary* const only = []() -> const RealLibrary* {
    const char* path = std::getenv("NYALA_SOFTGPU_REAL_CUDNN");
    if (path == nullptr) return nullptr;
    const auto* const found = new RealLibrary(path);
    if (found->whole()) return found;
    violation(std::string("NYALA_SOFTGPU_REAL_CUDNN: no cuDNN at ") + path);
    delete found;
    return nullptr;
  }();
  return only;
}

/// Those that need a handle, or are made of such.
bool needs_gpu(cudnnBackendDescriptorType_t type) {
  switch (type) {
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: return true;
    default: return false;
  }
}

}  // namespace

void mirror_create(Descriptor& d) {
  const RealLibrary* const library = real_library();
  if (library == nullptr || needs_gpu(d.type)) return;
  const cudnnStatus_t status = library->create(d.type, &d.real);
  if (status != CUDNN_STATUS_SUCCESS) library->refuses("a descriptor of type " + std::to_string(d.type), status);
}

void mirror_destroy(Descriptor& d) {
  if (d.real != nullptr) real_library()->destroy(d.real);
}

void mirror_set(Descriptor& d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
                const void* elements) {
  if (d.real == nullptr) return;
  std::vector<cudnnBackendDescriptor_t> parts;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto* const ours = static_cast<const cudnnBackendDescriptor_t*>(elements);
    for (std::int64_t i = 0; i < count; ++i) parts.push_back(static_cast<const Descriptor*>(ours[i])->real);
    elements = parts.data();
  }
  const cudnnStatus_t status = real_library()->set(d.real, name, type, count, elements);
  if (status != CUDNN_STATUS_SUCCESS) real_library()->refuses("attribute " + std::to_string(name), status);
}

void mirror_finalize(Descriptor& d) {
  if (d.real == nullptr) return;
  count("mirrored");
  const cudnnStatus_t status = real_library()->finalize(d.real);
  if (status != CUDNN_STATUS_SUCCESS)
    real_library()->refuses("to finalize a descriptor of type " + std::to_string(d.type), status);
}

}  // namespace softgpu::dnn
