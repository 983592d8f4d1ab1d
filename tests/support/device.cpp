#include "support/device.hpp"

#include <vector>

#include <nyala/device.hpp>
#include <nyala/error.hpp>

namespace nyala::testing {

namespace {

std::vector<Tensor*>& globals() {
  static std::vector<Tensor*> all;
  return all;
}

}  // namespace

Globals::Globals(std::initializer_list<Tensor*> tensors) { globals().insert(globals().end(), tensors); }

void move_globals() {
  for (Tensor* tensor : globals()) *tensor = tensor->to(default_device());
}

bool on_gpu() { return default_device().kind() == Device::Kind::gpu; }

std::string told(const std::function<void()>& make) {
  try {
    make();
    synchronize();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string found_later(const std::string& message) {
  return message + " (found on device \"" + default_device().name() + "\" after the operation)";
}

std::string out_of_range(const std::string& op, std::int64_t index, std::int64_t size) {
  const std::string rule = " is out of range for an axis of size " + std::to_string(size);
  return on_gpu() ? found_later(op + ": an index" + rule) : op + ": index " + std::to_string(index) + rule;
}

}  // namespace nyala::testing
