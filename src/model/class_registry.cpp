#include "model/class_registry.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace nyala::detail {

std::string demangled(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? text.get() : mangled;
}

std::string readable_type(const char* mangled) {
  const std::string name = demangled(mangled);
  const std::size_t scope = name.rfind("::", name.find('<'));
  return scope == std::string::npos ? name : name.substr(scope + 2);
}

}  // namespace nyala::detail
