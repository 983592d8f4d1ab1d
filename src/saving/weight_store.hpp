#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nyala/model.hpp>

#include "core/atomic_file.hpp"
#include "saving/assignments.hpp"
#include "saving/hdf5_reader.hpp"
#include "saving/hdf5_writer.hpp"

// Keras 3's tree of weights: "x.weights.h5", the same within ".keras" archives, and split over several files.

namespace nyala::saving {

/// Where the tree's groups of numbered datasets are read from.
class WeightStore {
 public:
  explicit WeightStore(std::shared_ptr<Hdf5Reader> file) : files_{{"", std::move(file)}} {}
  /// "x.weights.json" and the files that it names, which must lie beside it.
  static WeightStore sharded(const std::string& path, const std::string& where);

  bool has_group(const std::string& group) const;
  std::vector<std::string> names(const std::string& group) const;
  /// The number of datasets "0", "1", … of a group; 0 if it is not there.
  std::size_t count(const std::string& group) const;
  Shape shape(const std::string& group, std::size_t index) const;
  Tensor read(const std::string& group, std::size_t index, const Shape& expected) const;
  /// A dataset that has a name instead of a number, of whatever shape; null if it is not there.
  Tensor named(const std::string& group, const std::string& name) const;
  const std::string& where() const { return where_.empty() ? files_.begin()->second->where() : where_; }

 private:
  WeightStore() = default;
  /// The file that holds the dataset.
  const Hdf5Reader& file_of(const std::string& group, std::size_t index) const;

  std::map<std::string, std::shared_ptr<Hdf5Reader>> files_;
  std::map<std::string, std::vector<std::string>> shards_;  // group -> names of files
  std::string where_;
};

/// One group of numbered datasets.
struct Group {
  std::string path, name;
  std::vector<Variable> variables;
  std::map<std::string, Tensor> named = {};
};
/// In the order in which Keras writes them.
std::vector<Group> groups_of(const Model& model, bool include_optimizer);

void write_weights(Hdf5Writer& writer, const Model& model, bool include_optimizer);
/// "x.weights.json" and "x_00000.weights.h5", …
void write_shards(const std::string& path, const Model& model, double gigabytes, const std::string& where);

struct ReadWeightsOptions {
  bool skip_mismatch = false;
  bool include_optimizer = true;
};
/// Throws Error for what does not fit; nothing has been assigned then (unless at once).
void read_weights(const WeightStore& store, const Model& model, const ReadWeightsOptions& options,
                  Assignments& assignments);
/// Does nothing if the model is not compiled or the file has no optimizer.
void read_optimizer(const WeightStore& store, const Model& model, Assignments& assignments);

}  // namespace nyala::saving
