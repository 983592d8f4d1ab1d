#include "backend/gpu_module.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <nyala/error.hpp>

namespace nyala::backend {
namespace {

constexpr bool is_static = NYALA_STATIC;
constexpr const char* file_name = "libnyala_cuda.so";
constexpr const char* built_without =
    NYALA_WITH_CUDA ? "no GPU module was found"
                    : "this Nyala was built without a GPU module (configure with NYALA_CUDA=ON), and none was found";

std::string folder_of_this_library() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&gpu_module), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  const auto file = std::filesystem::canonical(info.dli_fname, error);
  return error ? std::string() : file.parent_path().string();
}

/// The dynamic linker's words, with the remedy where they mean that one of NVIDIA's libraries is missing.
std::string explained(const std::string& linker) {
  const auto names = [&](const char* library) { return linker.find(library) != std::string::npos; };
  const bool absent = names("cannot open shared object file");
  if (absent && names("libcudnn"))
    return "cuDNN 9 is missing (" + linker + "): install it, or put it on LD_LIBRARY_PATH";
  if (absent && (names("libcudart") || names("libcublas"))) {
    return "the CUDA runtime or cuBLAS is missing (" + linker + "): install CUDA, or put it on LD_LIBRARY_PATH";
  }
  return linker;
}

/// Opens one candidate: fills `found` and returns true unless there is no such file.
bool open_module(GpuModule& found, const std::string& path, bool by_path) {
  found.looked_at.push_back(path);
  if (by_path && !std::filesystem::exists(path)) return false;
  // Never closed: tensors that outlive main() still need it.
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const text = dlerror();
    const std::string linker = text == nullptr ? "dlopen failed" : text;
    if (!by_path && linker.rfind(std::string(file_name) + ":", 0) == 0) return false;
    found.path = path;
    found.why = "the GPU module " + path + " cannot be loaded: " + explained(linker);
    return true;
  }
  found.path = path;
  using Entry = const DeviceModule* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, module_entry));
  if (entry == nullptr) {
    found.why = path + " is no GPU module of Nyala: it has no " + module_entry;
    return true;
  }
  const DeviceModule* const module = entry();
  if (std::strcmp(module->abi, module_abi) != 0) {
    found.why = "the GPU module " + path + " was built for \"" + module->abi + "\", this libnyala is \"" + module_abi +
                "\": build and install both together";
    return true;
  }
  try {
    found.backend = &module->backend();
    found.why = found.backend->why_unusable();
  } catch (const std::exception& error) {
    found.backend = nullptr;
    found.why = "the GPU module " + path + " does not start: " + error.what();
  }
  return true;
}

GpuModule find_module() {
  GpuModule found;
  if (is_static) {
    found.why = "this Nyala is a static library, which cannot share itself with a GPU module; use the shared one";
    return found;
  }
  const char* const given = std::getenv("NYALA_CUDA_MODULE");
  if (given != nullptr && *given != '\0') {
    if (!open_module(found, given, true))
      found.why = std::string("there is no file ") + given + " (named by NYALA_CUDA_MODULE)";
    return found;
  }
  const std::string folder = folder_of_this_library();
  if (!folder.empty() && open_module(found, folder + "/" + file_name, true)) return found;
  if (open_module(found, file_name, false)) return found;
  found.why = std::string(built_without) + ": looked for ";
  for (std::size_t i = 0; i < found.looked_at.size(); ++i) {
    found.why += (i == 0 ? "" : ", then ") + found.looked_at[i];
  }
  found.why += " on the library path; NYALA_CUDA_MODULE may name it";
  return found;
}

std::atomic<bool> in_use = false;

DeviceBackend& usable(const Device& device) {
  const GpuModule& module = gpu_module();
  if (!module.why.empty()) {
    throw Error("device \"" + device.name() + "\" cannot be used: " + module.why + "; the devices are: cpu");
  }
  const int count = module.backend->device_count();
  if (device.index() < count) {
    in_use.store(true, std::memory_order_relaxed);
    return *module.backend;
  }
  std::string names = "cpu";
  for (int index = 0; index < count; ++index) names += ", " + Device(Device::Kind::gpu, index).name();
  throw Error("device \"" + device.name() + "\" cannot be used: there is no such GPU; the devices are: " + names);
}

}  // namespace

const GpuModule& gpu_module() {
  // Never destroyed, as the module itself.
  static const GpuModule& module = *new GpuModule(find_module());
  return module;
}

Kernels& gpu_kernels(const Device& device) { return usable(device).kernels(device.index()); }

}  // namespace nyala::backend

namespace nyala::detail {

DeviceMemory& device_memory(const Device& device) {
  if (device.kind() == Device::Kind::cpu) throw Error("device_memory: the CPU's memory has an allocator of its own");
  return backend::usable(device).memory(device.index());
}

bool gpu_in_use() noexcept { return backend::in_use.load(std::memory_order_relaxed); }

int gpu_count() {
  const backend::GpuModule& module = backend::gpu_module();
  return module.why.empty() ? module.backend->device_count() : 0;
}

}  // namespace nyala::detail
