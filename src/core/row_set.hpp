#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace nyala::detail {

/// Some rows of a table.
class RowSet {
 public:
  explicit RowSet(std::int64_t rows) : words_(static_cast<std::size_t>((rows + 63) / 64)) {}
  void add(std::int64_t row) { words_[static_cast<std::size_t>(row / 64)] |= std::uint64_t{1} << (row % 64); }
  bool has(std::int64_t row) const { return (words_[static_cast<std::size_t>(row / 64)] >> (row % 64) & 1) != 0; }
  /// Calls f(row) for each in [begin, end), both multiples of 64 or the end of the table.
  template <class F>
  void each(std::int64_t begin, std::int64_t end, F&& f) const {
    for (std::int64_t at = begin; at < end; at += 64) {
      for (std::uint64_t left = words_[static_cast<std::size_t>(at / 64)]; left != 0; left &= left - 1)
        f(at + std::countr_zero(left));
    }
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace nyala::detail
