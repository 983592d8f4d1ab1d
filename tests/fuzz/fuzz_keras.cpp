// load_model of a .keras archive.
#include <nyala/saving.hpp>

#include "fuzz_support.hpp"

using namespace nyala;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = fuzz::as_file(data, size, ".keras");
  fuzz::expect_error_or_success(path, [&] { load_model(path, {.max_parameter_bytes = 1 << 24}); });
  return 0;
}
