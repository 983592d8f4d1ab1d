#include "model/operations/beam_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace nyala::detail {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

double either(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == never ? a : a + std::log1p(std::exp(b - a));
}

/// A path's chances by its last step: a label, or blank.
struct Chances {
  double label = never, blank = never;

  double total() const { return either(label, blank); }
};

// Classes are counted from the last one: the order of paths breaks ties as Keras does, for the lower class.
using Paths = std::map<std::vector<std::int32_t>, Chances>;

std::vector<Paths::const_iterator> best_of(const Paths& paths, std::size_t count) {
  std::vector<Paths::const_iterator> best;
  for (auto at = paths.begin(); at != paths.end(); ++at) best.push_back(at);
  std::reverse(best.begin(), best.end());
  std::stable_sort(best.begin(), best.end(),
                   [](const auto& a, const auto& b) { return a->second.total() > b->second.total(); });
  if (best.size() > count) best.resize(count);
  return best;
}

}  // namespace

std::vector<BeamPath> beam_search(const BeamSearch& search, const double* log_chances, std::size_t length) {
  const auto reversed = [&](std::size_t label) { return static_cast<std::int32_t>(search.classes - 1 - label); };
  Paths paths;
  paths[{}].blank = 0.0;
  for (std::size_t t = 0; t < std::max<std::size_t>(length, 1); ++t) {
    const double* here = log_chances + t * search.classes;
    Paths next;
    for (const auto& [path, chances] : paths) {
      for (std::size_t label = 0; label < search.classes; ++label) {
        if (label == search.blank) {
          double& blank = next[path].blank;
          blank = either(blank, chances.total() + here[label]);
          continue;
        }
        const std::int32_t added = reversed(label);
        const bool repeats = !path.empty() && path.back() == added;
        if (repeats) {
          double& same = next[path].label;
          same = either(same, chances.label + here[label]);
        }
        std::vector<std::int32_t> longer = path;
        longer.push_back(added);
        double& grown = next[longer].label;
        grown = either(grown, (repeats ? chances.blank : chances.total()) + here[label]);
      }
    }
    paths.clear();
    for (const auto& one : best_of(next, search.beam_width)) paths.insert(*one);
  }
  std::vector<BeamPath> result;
  for (const auto& one : best_of(paths, search.top_paths)) {
    BeamPath path{{}, one->second.total()};
    if (path.score == never) continue;
    for (const std::int32_t label : one->first) path.labels.push_back(reversed(static_cast<std::size_t>(label)));
    result.push_back(std::move(path));
  }
  return result;
}

}  // namespace nyala::detail
