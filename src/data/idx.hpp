#pragma once

#include <string>

#include <nyala/tensor.hpp>

namespace nyala::detail {

/// The unsigned bytes of an idx file (yann.lecun.com/exdb/mnist), gzipped or not, which must have `rank` axes. A file
/// is hostile until read: throws Error for a wrong head, sizes that the file cannot hold, an early end or surplus
/// bytes.
Tensor read_idx(const std::string& path, int rank);

}  // namespace nyala::detail
