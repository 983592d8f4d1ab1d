#pragma once

#include <memory>
#include <string>

namespace nyala {

/// A regular expression for the paths of layers or variables (ECMAScript's syntax). Expressions come out of files too,
/// and an expression can take for ever: one that could need too many steps is refused, never tried.
class PathPattern {
 public:
  /// Throws Error, naming `owner`: no regular expression, over 200 characters, a repeated group, a back reference.
  PathPattern(const std::string& text, const std::string& owner);

  const std::string& text() const { return text_; }
  /// Whether some part of the path fits (Python's re.search). Both throw Error for a path that would take too long.
  bool found_in(const std::string& path) const;
  /// Whether the whole path fits (re.fullmatch).
  bool fits(const std::string& path) const;

 private:
  struct Expression;

  bool found(const std::string& path, bool whole) const;

  std::string text_, owner_;
  std::shared_ptr<Expression> expression_;  // null: the text has no signs of an expression
};

}  // namespace nyala
