#pragma once

#include <map>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>

namespace nyala {

/// What a layer keeps in ".keras" archives beside its weights: files, and tensors under names of their own.
struct Assets {
  std::map<std::string, std::string> files;
  std::map<std::string, Tensor> tensors;
};

/// A layer with assets, as lookups keep their vocabularies.
class WithAssets {
 public:
  virtual ~WithAssets() = default;
  virtual Assets assets() const = 0;
  /// What assets() gave, from a file, as far as it was found. Throws Error for what does not fit.
  virtual void read_assets(const Assets& assets) = 0;
  /// The names that it looks for.
  virtual std::vector<std::string> file_names() const = 0;
  virtual std::vector<std::string> tensor_names() const = 0;
};

}  // namespace nyala
