#include "support.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include <nyala/model.hpp>

namespace nyala::detail {

std::vector<std::pair<Optimizer*, std::string>> rated_optimizers(Model& model) {
  std::vector<std::pair<Optimizer*, std::string>> rated;
  for (const auto& optimizer : model.optimizer().optimizers()) rated.emplace_back(optimizer.get(), optimizer->name());
  if (rated.empty()) rated.emplace_back(&model.optimizer(), "");
  return rated;
}

std::string rate_entry(const std::string& name) { return name.empty() ? "learning_rate" : "learning_rate_" + name; }

std::string python_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[64];
  const auto scientific = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string in_powers(text, scientific.ptr);
  const int exponent = std::atoi(in_powers.c_str() + in_powers.find('e') + 1);
  if (exponent < -4 || exponent >= 16) return in_powers;
  const auto fixed = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  const std::string plain(text, fixed.ptr);
  return plain.find('.') == std::string::npos ? plain + ".0" : plain;
}

void say(const std::string& line) { std::cout << line << std::endl; }
void warn(const std::string& line) { std::cerr << "warning: " << line << std::endl; }

}  // namespace nyala::detail
