#include <cstdlib>
#include <cstring>
#include <string>

#include <nyala/error.hpp>

#include "backend/cpu/simd/table.hpp"

namespace nyala::backend {

namespace sse42 {
const SimdTable& table();
}
namespace avx2 {
const SimdTable& table();
}
namespace avx512 {
const SimdTable& table();
}

const SimdTable* simd_table(const char* name) {
  if (std::strcmp(name, "avx512") == 0) {
    const bool found = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("fma");
    return found ? &avx512::table() : nullptr;
  }
  if (std::strcmp(name, "avx2") == 0) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2::table() : nullptr;
  }
  if (std::strcmp(name, "sse42") == 0) return __builtin_cpu_supports("sse4.2") ? &sse42::table() : nullptr;
  return nullptr;
}

bool allows_tiles() {
  const char* wanted = std::getenv("NYALA_CPU_ISA");
  return wanted == nullptr || *wanted == '\0' || std::strcmp(wanted, "amx") == 0;
}

const SimdTable* best_simd_table() {
  const char* wanted = std::getenv("NYALA_CPU_ISA");
  bool allowed = allows_tiles();
  const SimdTable* best = nullptr;
  for (const char* level : {"avx512", "avx2", "sse42"}) {
    allowed = allowed || std::strcmp(wanted, level) == 0;
    if (allowed && best == nullptr) best = simd_table(level);
  }
  if (!allowed) {
    throw Error(std::string("NYALA_CPU_ISA: must be sse42, avx2, avx512 or amx, got \"") + wanted + "\"");
  }
  return best;
}

}  // namespace nyala::backend
