#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>

#include <nyala/tensor.hpp>

// What lets one test speak of the CPU and, under NYALA_TEST_DEVICE, of a GPU.

namespace nyala::testing {

/// Tensors made before main(): they go to the device that it chooses.
struct Globals {
  explicit Globals(std::initializer_list<Tensor*> tensors);
};
void move_globals();

bool on_gpu();
/// What make() is told by an Error, at once or once the GPU has done what was asked; empty if nothing.
std::string told(const std::function<void()>& make);
/// The message of a GPU that found the mistake while it worked.
std::string found_later(const std::string& message);
/// What is told of an index out of range: a GPU does not say which it was.
std::string out_of_range(const std::string& op, std::int64_t index, std::int64_t size);

}  // namespace nyala::testing
