#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nyala/dataset.hpp>
#include <nyala/layer.hpp>

namespace nyala {

// Numbers and strings to class numbers and their encodings. https://keras.io/api/layers/preprocessing_layers/
// output_mode "int": the numbers; "one_hot": one row each; "multi_hot" and "count": one row per sample. `sparse` is
// kept for files, results are dense.

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Class numbers in [0, num_tokens) encoded; "count" takes weights of each as a second input.
class CategoryEncoding : public LayerOf<CategoryEncoding> {
 public:
  explicit CategoryEncoding(int num_tokens, CategoryEncodingOptions options = {});
  static CategoryEncoding from_config(const Config& config);

  Tensors call_with(const Tensors& inputs, const CallContext& context) override;
  Shape compute_output_shape(const Shape& input) const override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  std::string class_name() const override { return "CategoryEncoding"; }
  Config config() const override;

 private:
  int num_tokens_;
  CategoryEncodingOptions options_;
};

struct DiscretizationOptions {
  /// Ascending; or num_bins, to be learnt by adapt().
  std::optional<std::vector<double>> bin_boundaries = {};
  std::optional<int> num_bins = {};
  /// How exact adapt() is.
  double epsilon = 0.01;
  std::string output_mode = "int";
  bool sparse = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// The number of the bin that a value lies in: how many boundaries are not above it.
class Discretization : public LayerOf<Discretization> {
 public:
  explicit Discretization(DiscretizationOptions options);
  static Discretization from_config(const Config& config);

  /// Boundaries that divide the data into num_bins equal parts, about.
  void adapt(const Tensor& data);
  void adapt(const Dataset& data);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  std::string class_name() const override { return "Discretization"; }
  Config config() const override;

 private:
  void learn(const std::vector<Tensor>& batches);
  DiscretizationOptions options_;
};

struct HashingOptions {
  /// What becomes bin 0; the others share the rest. Text, or a whole number as text.
  std::optional<std::string> mask_value = {};
  /// Two keys (one stands for both) of a hash that nobody can foresee who does not know them (SipHash).
  std::vector<std::int64_t> salt = {};
  std::string output_mode = "int";
  bool sparse = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Strings or whole numbers to bins by FarmHash's 64-bit fingerprint, or SipHash with a salt: TensorFlow's bins.
class Hashing : public LayerOf<Hashing> {
 public:
  explicit Hashing(std::int64_t num_bins, HashingOptions options = {});
  static Hashing from_config(const Config& config);

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  std::string class_name() const override { return "Hashing"; }
  Config config() const override;

 private:
  std::int64_t num_bins_;
  HashingOptions options_;
  bool number_mask_ = false;
};

struct HashedCrossingOptions {
  std::string output_mode = "int";
  bool sparse = false;
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Two or more features of shape (batch,) or (batch, 1) together to one bin: TensorFlow's.
class HashedCrossing : public LayerOf<HashedCrossing> {
 public:
  explicit HashedCrossing(std::int64_t num_bins, HashedCrossingOptions options = {});
  static HashedCrossing from_config(const Config& config);

  Tensors call(const Tensors& inputs, bool training) override;
  std::vector<Shape> compute_output_shapes(const std::vector<Shape>& inputs) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  std::string class_name() const override { return "HashedCrossing"; }
  Config config() const override;

 private:
  std::int64_t num_bins_;
  HashedCrossingOptions options_;
};

}  // namespace nyala
