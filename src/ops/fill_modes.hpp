#pragma once

#include <cstdint>
#include <string>

#include <nyala/tensor.hpp>

namespace nyala::ops {

/// The cells (int64) of an axis of that many that whole positions read, in SciPy's ways to go on beyond the edges:
/// "constant" and "nearest" read the nearest. Throws Error, naming `op`, for an unknown fill_mode.
Tensor cells_of(const Tensor& positions, std::int64_t cells, const std::string& fill_mode, const char* op);

}  // namespace nyala::ops
