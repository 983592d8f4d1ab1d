#include <nyala/path_pattern.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <regex>

#include <nyala/error.hpp>

namespace nyala {

namespace {

constexpr std::size_t longest = 200, longest_path = 4096;
// The standard library's matcher goes back and forth: n repetitions that are not nested cost length^(n + 1) / (n + 1)!
// steps at most, of some 10 ns each. And however cheap each path is, they may be many.
constexpr double most_steps = 1e7;
constexpr std::chrono::nanoseconds most_time = std::chrono::seconds(1);

bool is_repetition(char sign) { return sign == '*' || sign == '+' || sign == '{'; }

}  // namespace

struct PathPattern::Expression {
  std::regex compiled;
  int repetitions = 0;
  std::atomic<std::int64_t> nanoseconds{0};  // spent on it
};

PathPattern::PathPattern(const std::string& text, const std::string& owner) : text_(text), owner_(owner) {
  if (text.find_first_of("\\^$.|?*+()[]{}") == std::string::npos) return;
  const std::string named = owner + ": the path \"" + text.substr(0, longest) + "\"";
  if (text.size() > longest)
    throw Error(named + " is an expression of over " + std::to_string(longest) + " characters");
  expression_ = std::make_shared<Expression>();
  bool in_set = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char sign = text[i], before = i == 0 ? ' ' : text[i - 1];
    if (sign == '\\') {
      if (i + 1 < text.size() && text[i + 1] >= '1' && text[i + 1] <= '9' && !in_set)
        throw Error(named + " refers back to a group, which is not supported");
      ++i;
      continue;
    }
    if (in_set) {
      in_set = sign != ']';
    } else if (sign == '[') {
      in_set = true;
    } else if (is_repetition(sign)) {
      if (before == ')' && (i < 2 || text[i - 2] != '\\'))
        throw Error(named + " repeats a group, which can take for ever");
      ++expression_->repetitions;
    }
  }
  try {
    expression_->compiled = std::regex(text);
  } catch (const std::regex_error& e) {
    throw Error(named + " is no regular expression: " + e.what());
  }
}

bool PathPattern::found(const std::string& path, bool whole) const {
  double steps = 1.0;
  for (int i = 1; i <= expression_->repetitions + 1; ++i) steps *= static_cast<double>(path.size()) / i;
  if (path.size() > longest_path || steps > most_steps || expression_->nanoseconds.load() > most_time.count()) {
    throw Error(owner_ + ": to try the expression \"" + text_ + "\" on the path \"" + path.substr(0, 80) +
                "\" could take too long; it has " + std::to_string(expression_->repetitions) + " repetitions");
  }
  const auto start = std::chrono::steady_clock::now();
  const bool result =
      whole ? std::regex_match(path, expression_->compiled) : std::regex_search(path, expression_->compiled);
  expression_->nanoseconds += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  return result;
}

bool PathPattern::found_in(const std::string& path) const {
  return expression_ == nullptr ? path.find(text_) != std::string::npos : found(path, false);
}

bool PathPattern::fits(const std::string& path) const {
  return expression_ == nullptr ? path == text_ : found(path, true);
}

}  // namespace nyala
