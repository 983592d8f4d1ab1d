#include "data/cifar.hpp"

#include <array>
#include <cstdint>

#include <nyala/ops/shape.hpp>

#include "data/gzip_file.hpp"

namespace nyala::detail {
namespace {

constexpr std::size_t side = 32, cifar_channels = 3, plane = side * side;

}  // namespace

datasets::Split read_cifar(const std::vector<std::string>& paths, int labels, int which, int classes) {
  std::vector<std::uint8_t> pixels, numbers;
  std::vector<std::uint8_t> record(static_cast<std::size_t>(labels) + cifar_channels * plane);
  for (const std::string& path : paths) {
    GzipFile file(path);
    const std::size_t before = numbers.size();
    for (std::size_t got = 0; (got = file.read(record.data(), record.size())) != 0;) {
      if (got != record.size()) {
        file.fail("ends within a record: after " + std::to_string(got) + " of its " + std::to_string(record.size()) +
                  " bytes");
      }
      const std::uint8_t label = record[static_cast<std::size_t>(which)];
      if (label >= classes) {
        file.fail("has the label " + std::to_string(label) + " where there are " + std::to_string(classes) +
                  " classes");
      }
      numbers.push_back(label);
      const std::uint8_t* planes = record.data() + labels;
      for (std::size_t i = 0; i < plane; ++i)
        for (std::size_t channel = 0; channel < cifar_channels; ++channel)
          pixels.push_back(planes[channel * plane + i]);
    }
    if (numbers.size() == before) file.fail("is empty");
  }
  const auto count = static_cast<std::int64_t>(numbers.size());
  return {tensor(pixels, Shape{count, side, side, cifar_channels}), tensor(numbers, Shape{count, 1})};
}

}  // namespace nyala::detail
