#pragma once

#include <string>
#include <vector>

namespace nyala::detail {

/// "; did you mean \"adam\"?" for the candidate nearest to `name` (insertions, deletions, substitutions, swaps of
/// neighbours; case does not count), or "" where none is near.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace nyala::detail
