#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/dataset.hpp>
#include <nyala/model.hpp>
#include <nyala/random.hpp>

#include "core/seed_stream.hpp"
#include "model/shuffled_rows.hpp"

namespace nyala::detail {

/// Where fit, evaluate and predict take their batches from.
class Batches {
 public:
  virtual ~Batches() = default;
  /// Goes back to the beginning; in training, to the next order.
  virtual void start() = 0;
  virtual bool next(Batch& batch) = 0;
  /// Where it stands, for go_to in another process: a small JSON object.
  virtual Config position() const = 0;
  /// Throws Error, saying what differs, if the position is none in this data. `within`: whether its pass is to go on,
  /// and not only the next one to begin.
  virtual void check(const Config& position, bool within) const = 0;
  /// Stands there. Takes random numbers of the process as the pass did.
  virtual void go_to(const Config& position, bool within) = 0;
  /// Batches in a pass, if known.
  virtual std::optional<std::int64_t> steps() const = 0;
};

struct ArrayBatchesOptions {
  std::string where = "fit";  // how errors name the call
  int batch_size = 32;
  bool shuffle = false;
  Ahead ahead = Ahead::where_it_pays;  // of shuffled data
};
/// Throws Error for tensors without rows or of different lengths, and for batch_size < 1.
std::unique_ptr<Batches> array_batches(const Tensors& x, const Tensors& y, const Tensors& sample_weight,
                                       const ArrayBatchesOptions& options);
std::unique_ptr<Batches> dataset_batches(const Dataset& data);

Config to_config(const RandomState& state);
RandomState random_state_from(const Config& config);

/// Rows in x; throws Error, naming the lengths, unless all tensors have as many.
std::int64_t common_rows(const Tensors& x, const Tensors& y, const Tensors& sample_weight, const std::string& where);

/// The sample weights that class weights mean for one batch; throws Error where the labels are of another form.
Tensors class_sample_weights(const ClassWeights& weights, const Tensors& y,
                             const std::vector<std::string>& output_names);

}  // namespace nyala::detail
