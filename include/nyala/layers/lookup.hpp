#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nyala/assets.hpp>
#include <nyala/dataset.hpp>
#include <nyala/layer.hpp>

namespace nyala {

// Vocabularies. https://keras.io/api/layers/preprocessing_layers/categorical/
// output_mode "int", "one_hot", "multi_hot", "count" or "tf_idf". Strings live on the host.

/// What StringLookup and IntegerLookup have in common; tokens are text, those of integers in decimal.
struct LookupSettings {
  std::optional<int> max_tokens = {};
  int num_oov_indices = 1;
  std::optional<std::string> mask_token = {}, oov_token = {};
  std::vector<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool invert = false;
  std::string output_mode = "int";
  bool sparse = false, pad_to_max_tokens = false;
  /// Of several indices for unknown integers: "floormod" or "farmhash".
  std::string oov_method = "floormod";
  std::vector<std::int64_t> salt = {};
  /// What a file says before the vocabulary is read.
  std::optional<int> vocabulary_size = {};
};

/// Tokens and their numbers: mask token (if any), tokens for what is not known, then the vocabulary.
class IndexLookup : public Layer, public WithAssets {
 public:
  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;

  /// Learns the tokens of the data, the most frequent first; replaces what was learnt before. With "tf_idf" each row is
  /// a document.
  void adapt(const Tensor& data);
  void adapt(const Dataset& data);
  int vocabulary_size() const;
  /// The size that a vocabulary will have which is still to be read.
  void expect_vocabulary_size(std::optional<int> size) { settings_.vocabulary_size = size; }

  Assets assets() const override;
  void read_assets(const Assets& assets) override;
  std::vector<std::string> file_names() const override;
  std::vector<std::string> tensor_names() const override;

  /// One list of tokens per document.
  void learn(const std::vector<std::vector<std::string>>& documents);
  /// Index or code of each token, before encoding.
  std::vector<std::int64_t> looked_up(const std::vector<std::string>& tokens) const;
  /// "count" (of one row per sample) and the like from indices of shape (samples, tokens); -1: none.
  Tensor encoded(const Tensor& indices) const;
  /// Throws Error if there is none: the file did not hold it, or adapt() is missing.
  void require_vocabulary(const std::string& owner) const;
  std::vector<std::string> tokens(bool include_special_tokens) const;
  const LookupSettings& settings() const { return settings_; }

 protected:
  IndexLookup(const RegularizerRef& activity_regularizer, bool trainable, const DTypePolicy& dtype,
              const std::string& name)
      : Layer(activity_regularizer, trainable, dtype, name) {}
  void set_up(LookupSettings settings, bool integers, const char* layer);
  void set_tokens(const std::vector<std::string>& vocabulary, const std::vector<double>& idf_weights);
  static LookupSettings settings_of(const Config& config);
  Config lookup_config() const;

 private:
  std::int64_t oov_start() const;
  std::int64_t token_start() const;
  bool empty() const;
  std::int64_t depth() const;
  std::int64_t unknown(const std::string& token) const;
  Tensor inverted(const Tensor& x) const;
  Config token_config(const std::string& token) const;

  LookupSettings settings_;
  bool integers_ = false;
  struct Vocabulary;
  std::shared_ptr<const Vocabulary> vocabulary_;  // null: nothing learnt yet
};

struct StringLookupOptions {
  std::optional<int> max_tokens = {};
  int num_oov_indices = 1;
  std::optional<std::string> mask_token = {};
  std::string oov_token = "[UNK]";
  /// Without the special tokens, or with them first; empty: adapt().
  std::vector<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool invert = false;
  std::string output_mode = "int";
  bool pad_to_max_tokens = false, sparse = false;
  std::string encoding = "utf-8";
  std::vector<std::int64_t> salt = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Strings to their numbers in a vocabulary, or back (invert).
class StringLookup : public LayerOf<StringLookup, IndexLookup> {
 public:
  explicit StringLookup(StringLookupOptions options = {});
  static StringLookup from_config(const Config& config);

  std::vector<std::string> get_vocabulary(bool include_special_tokens = true) const {
    return tokens(include_special_tokens);
  }
  void set_vocabulary(const std::vector<std::string>& vocabulary, const std::vector<double>& idf_weights = {}) {
    set_tokens(vocabulary, idf_weights);
  }
  std::string class_name() const override { return "StringLookup"; }
  Config config() const override;

 private:
  std::string encoding_;
};

struct IntegerLookupOptions {
  std::optional<int> max_tokens = {};
  int num_oov_indices = 1;
  std::optional<std::int64_t> mask_token = {};
  std::int64_t oov_token = -1;
  std::vector<std::int64_t> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool invert = false;
  std::string output_mode = "int";
  bool sparse = false, pad_to_max_tokens = false;
  std::string oov_method = "floormod";
  std::vector<std::int64_t> salt = {};
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Whole numbers to their numbers in a vocabulary, or back (invert).
class IntegerLookup : public LayerOf<IntegerLookup, IndexLookup> {
 public:
  explicit IntegerLookup(IntegerLookupOptions options = {});
  static IntegerLookup from_config(const Config& config);

  std::vector<std::int64_t> get_vocabulary(bool include_special_tokens = true) const;
  void set_vocabulary(const std::vector<std::int64_t>& vocabulary, const std::vector<double>& idf_weights = {});
  std::string class_name() const override { return "IntegerLookup"; }
  Config config() const override;
};

struct TextVectorizationOptions {
  std::optional<int> max_tokens = {};
  /// "lower_and_strip_punctuation", "lower", "strip_punctuation" or "" (Keras' None).
  std::string standardize = "lower_and_strip_punctuation";
  /// "whitespace", "character" or "" (Keras' None).
  std::string split = "whitespace";
  /// Lengths of word groups: {2} is of one and two words as Keras' 2, {2, 3} is of two and three.
  std::vector<int> ngrams = {};
  std::string output_mode = "int";
  std::optional<int> output_sequence_length = {};
  bool pad_to_max_tokens = false;
  std::vector<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
  bool sparse = false, ragged = false;
  std::string encoding = "utf-8";
  RegularizerRef activity_regularizer = {};
  bool trainable = true;
  DTypePolicy dtype = {};
  std::string name = {};
};

/// Texts of shape (batch,) or (batch, 1) to numbers of their words: padded with 0 to the longest, or to
/// output_sequence_length, or encoded per text.
class TextVectorization : public LayerOf<TextVectorization>, public WithAssets {
 public:
  explicit TextVectorization(TextVectorizationOptions options = {});
  static TextVectorization from_config(const Config& config);

  void adapt(const Tensor& data);
  void adapt(const Dataset& data);
  std::vector<std::string> get_vocabulary(bool include_special_tokens = true) const;
  void set_vocabulary(const std::vector<std::string>& vocabulary, const std::vector<double>& idf_weights = {});
  int vocabulary_size() const;

  Tensor forward(const Tensor& x, bool training) override;
  Shape compute_output_shape(const Shape& input) const override;
  DType compute_output_dtype(const std::vector<DType>& inputs) const override;
  std::string class_name() const override { return "TextVectorization"; }
  Config config() const override;

  Assets assets() const override;
  void read_assets(const Assets& assets) override;
  std::vector<std::string> file_names() const override;
  std::vector<std::string> tensor_names() const override { return {"idf_weights"}; }

 private:
  std::vector<std::vector<std::string>> words(const Tensor& x) const;
  StringLookup& lookup() const;

  TextVectorizationOptions options_;
  LayerRef lookup_;
};

}  // namespace nyala
