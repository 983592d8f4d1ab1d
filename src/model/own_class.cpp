#include "model/own_class.hpp"

#include <algorithm>
#include <typeinfo>

namespace nyala::detail {

bool is_own_class(const Layer& layer, const std::string& name) {
  const std::string type = typeid(layer).name();
  if (type == "N5nyala" + std::to_string(name.size()) + name + "E") return true;
  // Conv2DTranspose is ConvTranspose<2>.
  const std::size_t digit = name.find_first_of("123");
  if (digit == std::string::npos) return false;
  const std::string base = name.substr(0, digit) + name.substr(std::min(digit + 2, name.size()));
  return type == "N5nyala" + std::to_string(base.size()) + base + "ILm" + name[digit] + "EEE";
}

}  // namespace nyala::detail
