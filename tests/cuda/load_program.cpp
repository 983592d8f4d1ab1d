#include <cstdio>
#include <string>

#include <nyala/device.hpp>
#include <nyala/error.hpp>
#include <nyala/tensor.hpp>

// Loads the module that NYALA_CUDA_MODULE names. On a machine without a driver the answer must be an Error that says
// so; one with a GPU has tests of its own (scripts/gpu-check).

int main() {
  if (nyala::devices().size() > 1) {
    std::puts("skipped: a GPU works here");
    return 77;
  }
  try {
    static_cast<void>(nyala::Tensor::empty({1}, nyala::DType::float32, "gpu"));
  } catch (const nyala::Error& error) {
    std::puts(error.what());
    const std::string message = error.what();
    const bool says_why = message.find("NVIDIA driver") != std::string::npos ||
                          message.find("there is no NVIDIA GPU") != std::string::npos;
    if (message.rfind("device \"gpu\" cannot be used: ", 0) == 0 && says_why) return 0;
    std::puts("the message must begin with the device and say why it does not work");
    return 1;
  }
  std::puts("a tensor was made on a device that is not in devices()");
  return 1;
}
