// Every group, attribute and dataset of an HDF5 file, then load_model.
#include <nyala/saving.hpp>

#include "fuzz_support.hpp"
#include "saving/hdf5_reader.hpp"

using namespace nyala;

namespace {

void visit(const saving::Hdf5Reader& file, const std::string& path, int depth, int& left) {
  if (depth > 8 || --left < 0) return;
  for (const char* attribute : {"layer_names", "weight_names", "name", "model_config", "dtype"}) {
    try {
      file.texts(path, attribute);
    } catch (const Error&) {}
  }
  try {
    if (file.has_dataset(path)) {
      const Shape shape = file.shape(path);
      std::int64_t elements = 1;
      for (const std::int64_t size : shape) elements = size > 100000 ? 100000 : elements * size % 100001;
      if (elements < 100000) file.read(path, shape);
      return;
    }
    for (const std::string& name : file.names(path))
      visit(file, path.empty() ? name : path + "/" + name, depth + 1, left);
  } catch (const Error&) {}
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const saving::Hdf5Reader file(saving::in_memory({data, data + size}, "fuzz"), "fuzz");
    int left = 1000;
    visit(file, "", 0, left);
  } catch (const Error&) {}
  const std::string path = fuzz::as_file(data, size, ".h5");
  fuzz::expect_error_or_success(path, [&] { load_model(path, {.max_parameter_bytes = 1 << 24}); });
  return 0;
}
