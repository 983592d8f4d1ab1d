#include <nyala/device.hpp>

#include <atomic>
#include <charconv>
#include <string_view>
#include <utility>

#include <nyala/error.hpp>

#include "core/device_memory.hpp"

namespace nyala {

namespace {

Device parse(std::string_view name) {
  const auto fail = [&]() -> Error {
    return Error("Device: expected \"cpu\", \"gpu\" or \"gpu:N\", got \"" + std::string(name) + "\"");
  };
  const std::size_t colon = name.find(':');
  const std::string_view kind = name.substr(0, colon);
  int index = 0;
  if (colon != std::string_view::npos) {
    const std::string_view digits = name.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || index < 0) throw fail();
  }
  if (kind == "cpu" && index == 0) return Device(Device::Kind::cpu, 0);
  if (kind == "gpu") return Device(Device::Kind::gpu, index);
  throw fail();
}

std::atomic<int> default_kind{0}, default_index{0};
thread_local bool on_host = false;
thread_local detail::LatePlace* innermost = nullptr;

}  // namespace

Device::Device(const char* name) : Device(parse(name == nullptr ? std::string_view() : std::string_view(name))) {}

Device::Device(const std::string& name) : Device(parse(name)) {}

std::string Device::name() const {
  if (kind_ == Kind::cpu) return "cpu";
  return index_ == 0 ? "gpu" : "gpu:" + std::to_string(index_);
}

detail::LatePlace::LatePlace(std::string layer, std::string class_name)
    : layer_(std::move(layer)), class_name_(std::move(class_name)), outer_(innermost) {
  innermost = this;
}
detail::LatePlace::~LatePlace() { innermost = outer_; }

std::string detail::LatePlace::current() {
  if (innermost == nullptr) return "";
  std::string path = innermost->layer_;
  for (const LatePlace* each = innermost->outer_; each != nullptr; each = each->outer_)
    path = each->layer_ + "/" + path;
  return "layer \"" + path + "\" (" + innermost->class_name_ + "): ";
}

detail::HostScope::HostScope() : before_(on_host) { on_host = true; }
detail::HostScope::~HostScope() { on_host = before_; }

Tensor detail::upload(const Tensor& tensor, const Device& device) {
  if (!tensor.defined() || tensor.device().kind() != Device::Kind::cpu || device.kind() == Device::Kind::cpu) {
    return tensor;
  }
  const Tensor mask = tensor.mask();
  return tensor.to(device).with_mask(mask.defined() ? mask.to(device) : mask);
}

Tensors detail::upload(const Tensors& tensors, const Device& device) {
  Tensors moved;
  for (const Tensor& tensor : tensors) moved.push_back(upload(tensor, device));
  return moved;
}

std::vector<Device> devices() {
  std::vector<Device> all{Device()};
  const int gpus = detail::gpu_count();
  for (int index = 0; index < gpus; ++index) all.emplace_back(Device::Kind::gpu, index);
  return all;
}

void set_default_device(const Device& device) {
  if (device.kind() != Device::Kind::cpu) {
    try {
      (void)detail::device_memory(device);
    } catch (const Error& error) {
      throw Error(std::string("set_default_device: ") + error.what());
    }
  }
  default_kind = static_cast<int>(device.kind());
  default_index = device.index();
}

Device default_device() {
  if (on_host) return Device();
  return Device(static_cast<Device::Kind>(default_kind.load()), default_index.load());
}

void synchronize(const Device& device) {
  if (device.kind() != Device::Kind::cpu) detail::device_memory(device).synchronize();
}

}  // namespace nyala
