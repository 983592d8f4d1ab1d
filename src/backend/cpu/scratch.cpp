#include "backend/cpu/scratch.hpp"

#include "core/allocator.hpp"

namespace nyala::backend {

Scratch::Scratch(std::size_t bytes) : memory_(bytes == 0 ? nullptr : detail::allocate(bytes)), bytes_(bytes) {}
Scratch::~Scratch() { detail::deallocate(memory_, bytes_); }

}  // namespace nyala::backend
