#include <cctype>
#include <map>
#include <mutex>
#include <string>

#include <nyala/session.hpp>

#include "model/layer_state.hpp"

namespace nyala {

namespace {
std::mutex names_mutex;
std::map<std::string, int>& counters() {
  static std::map<std::string, int> counts;
  return counts;
}
}  // namespace

void clear_session() {
  const std::lock_guard lock(names_mutex);
  counters().clear();
}

namespace detail {

std::string python_name(const std::string& class_name) {
  return class_name == "GroupQueryAttention" ? "GroupedQueryAttention" : class_name;
}

std::string snake_case(const std::string& class_name) {
  const auto upper = [](char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; };
  const auto lower = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  std::string word;
  for (const char c : python_name(class_name)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') word += c;
  }
  std::string name;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool before_word = upper(word[i]) && i > 0 && i + 1 < word.size() && lower(word[i + 1]);
    const bool after_lower = upper(word[i]) && i > 0 && lower(word[i - 1]);
    if (before_word || after_lower) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(word[i])));
  }
  return name;
}

std::string numbered_name(const std::string& base, int number) {
  return number == 0 ? base : base + "_" + std::to_string(number);
}

std::string unique_name(const std::string& base) {
  const std::lock_guard lock(names_mutex);
  return numbered_name(base, counters()[base]++);
}

std::string ListNames::next(const std::string& class_name) {
  const std::string base = snake_case(class_name);
  return numbered_name(base, counts_[base]++);
}

}  // namespace detail

}  // namespace nyala
