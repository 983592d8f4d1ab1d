#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nyala/dtype.hpp>

namespace nyala::detail {

/// What the text at the head of a .npy file says.
struct NpyHeader {
  DType dtype = DType::float32;
  bool swapped = false;  // the other byte order than this machine's
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }. `where` names the file, `place` is
/// the text's first byte in it: both are for the Error that anything else throws.
NpyHeader parse_npy_header(std::string_view text, const std::string& where, std::size_t place);

/// The whole beginning of a file, padded so that the elements are aligned to 64 bytes.
std::string npy_prefix(DType dtype, const std::vector<std::int64_t>& shape);

}  // namespace nyala::detail
