#include <cstdlib>
#include <iostream>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <nyala/device.hpp>
#include <nyala/error.hpp>

#include "support/device.hpp"

// As doctest's own, but for NYALA_TEST_DEVICE: where tensors are made ("gpu" for the software GPU's runs).
int main(int count, char** arguments) {
  doctest::Context context(count, arguments);
  const char* device = std::getenv("NYALA_TEST_DEVICE");
  if (device != nullptr && *device != '\0') {
    try {
      nyala::set_default_device(device);
      nyala::testing::move_globals();
    } catch (const nyala::Error& error) {
      std::cerr << "NYALA_TEST_DEVICE: " << error.what() << '\n';
      return 1;
    }
  }
  return context.run();
}
