#pragma once

#include <string>

namespace nyala::detail {

/// While one lives on this thread, the layers that are being read stand in the one of that name, under the path that
/// Keras gives them when it builds them.
class LayerPath {
 public:
  explicit LayerPath(const std::string& name);
  ~LayerPath();
  LayerPath(const LayerPath&) = delete;
  LayerPath& operator=(const LayerPath&) = delete;

  /// The path begins with this name, whatever is being read: models, and layers that files bring with the shapes for
  /// which Keras builds them at once.
  static LayerPath anew(const std::string& name);
  /// Where the innermost layer that is being read stands: "outer" for "outer/inner"; "" if none is.
  static const std::string& outside();

 private:
  LayerPath(std::string outer, std::string inner);

  std::string outer_before_, inner_before_;
};

}  // namespace nyala::detail
