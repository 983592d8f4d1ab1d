// model_from_json: the parser, and everything that configs can say.
#include <nyala/error.hpp>
#include <nyala/model.hpp>
#include <nyala/serialization.hpp>

using namespace nyala;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    model_from_json(std::string(data, data + size), {.max_parameter_bytes = 1 << 24});
  } catch (const Error&) {}
  return 0;
}
