#include <nyala/callbacks/frequency.hpp>

#include <nyala/error.hpp>

namespace nyala {

Frequency::Frequency(int batches) : batches_(batches) {
  if (batches < 1) throw Error("Frequency: must be at least 1 batch, got " + std::to_string(batches));
}

Frequency::Frequency(const std::string& word) : batches_(word == "batch" ? 1 : 0) {
  if (word != "epoch" && word != "batch") {
    throw Error("Frequency: must be \"epoch\", \"batch\" or a number of batches, got \"" + word + "\"");
  }
}

}  // namespace nyala
