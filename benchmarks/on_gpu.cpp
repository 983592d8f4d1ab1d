// Linked into a benchmark, this runs it on the GPU without a change in its source.
#include <cstdlib>
#include <iostream>

#include <nyala/device.hpp>
#include <nyala/error.hpp>

namespace {

[[maybe_unused]] const bool on_gpu = [] {
  try {
    nyala::set_default_device("gpu");
  } catch (const nyala::Error& error) {
    std::cerr << error.what() << '\n';
    std::exit(1);
  }
  return true;
}();

}  // namespace
