#pragma once

#include <map>
#include <string>
#include <vector>

#include <nyala/tensor.hpp>
#include <nyala/variable.hpp>

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

/// A layer of which files hold something else than its variables one by one, as Keras merges adapters into kernels.
class WithStoredVariables {
 public:
  virtual ~WithStoredVariables() = default;
  /// What a file's numbered datasets are, in order. Empty: the layer's own variables, as for any other layer.
  virtual std::vector<Variable> stored_variables() const = 0;
  /// What is written for each of them.
  virtual std::vector<Tensor> stored_values() const = 0;
  /// What a file that is read sets to zero.
  virtual std::vector<Variable> cleared_variables() const = 0;
};

}  // namespace nyala
