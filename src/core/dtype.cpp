#include <nyala/dtype.hpp>

#include <algorithm>
#include <array>
#include <ostream>

#include <nyala/error.hpp>

#include "core/dtype_lattice.hpp"

namespace nyala {

namespace {

struct Entry {
  const char* name;
  std::size_t size;
};

constexpr std::array<Entry, 14> entries = {{{"bool", 1},
                                            {"uint8", 1},
                                            {"uint16", 2},
                                            {"uint32", 4},
                                            {"uint64", 8},
                                            {"int8", 1},
                                            {"int16", 2},
                                            {"int32", 4},
                                            {"int64", 8},
                                            {"float16", 2},
                                            {"bfloat16", 2},
                                            {"float32", 4},
                                            {"float64", 8},
                                            {"string", 0}}};

const Entry& entry(DType dtype) { return entries[static_cast<std::size_t>(dtype)]; }

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::size_t size_of(DType dtype) { return entry(dtype).size; }

const char* name_of(DType dtype) { return entry(dtype).name; }

DType dtype_from_name(const std::string& name) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (name == entries[i].name) return static_cast<DType>(i);
  }
  if (name == "int") return DType::int32;
  const auto* nearest = std::min_element(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    return edit_distance(name, a.name) < edit_distance(name, b.name);
  });
  throw Error("dtype: no element type is named \"" + name + "\"; did you mean \"" + nearest->name + "\"?");
}

bool is_floating(DType dtype) { return dtype >= DType::float16 && dtype <= DType::float64; }

bool is_integer(DType dtype) { return dtype >= DType::uint8 && dtype <= DType::int64; }

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

DType result_type(const std::vector<DType>& dtypes) {
  detail::Promotion promotion;
  for (const DType dtype : dtypes) promotion.include(dtype, false);
  return promotion.result();
}

}  // namespace nyala
