#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <nyala/tensor.hpp>

#include "core/function_ref.hpp"

namespace nyala::detail {

/// The array of a .npy file of `size` bytes, which `read` gives in order. Errors begin with `where`.
Tensor read_npy(std::uint64_t size, FunctionRef<void(void* to, std::size_t bytes)> read, const std::string& where);

/// Throws Error, beginning with `where`, for a tensor that no .npy file can hold.
void require_writable(const Tensor& tensor, const std::string& where);

}  // namespace nyala::detail
