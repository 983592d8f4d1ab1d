#pragma once

#include <string>
#include <vector>

#include <nyala/error.hpp>
#include <nyala/tensor.hpp>

namespace nyala {

/// Rows of one length, as a program collects them from a file: (rows, entries). Throws Error for ragged rows; sequences
/// of different lengths are for utils::pad_sequences.
template <Scalar T>
  requires(!std::same_as<T, bool>)
Tensor tensor(const std::vector<std::vector<T>>& rows) {
  const std::size_t columns = rows.empty() ? 0 : rows.front().size();
  std::vector<T> values;
  for (const std::vector<T>& row : rows) {
    if (row.size() != columns) {
      throw Error("tensor: rows must be of one length, got one of " + std::to_string(row.size()) +
                  " entries after one of " + std::to_string(columns));
    }
    values.insert(values.end(), row.begin(), row.end());
  }
  return tensor(values, Shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)});
}

}  // namespace nyala
