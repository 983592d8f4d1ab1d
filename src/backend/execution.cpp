#include <nyala/backend.hpp>

#include <atomic>

namespace nyala {
namespace {

std::atomic<bool> determinism = false, tensor_float_32 = false;

}  // namespace

void enable_op_determinism() { determinism.store(true, std::memory_order_relaxed); }
bool op_determinism_enabled() { return determinism.load(std::memory_order_relaxed); }

void enable_tensor_float_32_execution(bool enabled) { tensor_float_32.store(enabled, std::memory_order_relaxed); }
bool tensor_float_32_execution_enabled() { return tensor_float_32.load(std::memory_order_relaxed); }

}  // namespace nyala
