#include <algorithm>
#include <string_view>

#include <nyala/error.hpp>
#include <nyala/layers/lookup.hpp>
#include <nyala/ops.hpp>

namespace nyala {

namespace {

constexpr std::string_view punctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'", spaces = " \t\n\v\f\r";

std::string standardized(std::string text, const std::string& how) {
  if (how == "lower" || how == "lower_and_strip_punctuation") {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  if (how == "strip_punctuation" || how == "lower_and_strip_punctuation") {
    std::erase_if(text, [](char c) { return punctuation.find(c) != std::string_view::npos; });
  }
  return text;
}

std::vector<std::string> by_whitespace(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(spaces, at)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(spaces, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<std::string> by_character(const std::string& text) {
  std::vector<std::string> characters;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    characters.push_back(text.substr(at, end - at));
    at = end;
  }
  return characters;
}

std::vector<std::string> grouped(const std::vector<std::string>& words, const std::vector<int>& lengths) {
  if (lengths.empty()) return words;
  std::vector<std::string> groups;
  for (const int length : lengths) {
    const auto size = static_cast<std::size_t>(length);
    for (std::size_t i = 0; i + size <= words.size(); ++i) {
      std::string group = words[i];
      for (std::size_t j = 1; j < size; ++j) group += " " + words[i + j];
      groups.push_back(group);
    }
  }
  return groups;
}

/// Keras' 3 is of one to three words.
std::vector<int> lengths_of(const std::vector<int>& ngrams) {
  if (ngrams.size() != 1) return ngrams;
  std::vector<int> lengths;
  for (int length = 1; length <= ngrams.front(); ++length) lengths.push_back(length);
  return lengths;
}

void require(const std::string& value, std::initializer_list<const char*> allowed, const std::string& what) {
  for (const char* one : allowed) {
    if (value == one) return;
  }
  throw Error("TextVectorization: " + what + " cannot be \"" + value + "\"");
}

std::string word(const Config& config, const char* key) {
  const Config& value = config.get(key);
  if (value.is_null()) return {};
  if (value.is_string()) return value.as_string();
  throw Error(std::string("TextVectorization: ") + key +
              " is a function of its own, which a file cannot bring along: " + value.json().substr(0, 80));
}

}  // namespace

TextVectorization::TextVectorization(TextVectorizationOptions options)
    : LayerOf(options), options_(std::move(options)) {
  require(options_.standardize, {"", "lower", "strip_punctuation", "lower_and_strip_punctuation"}, "standardize");
  require(options_.split, {"", "whitespace", "character"}, "split");
  for (const int length : options_.ngrams) {
    if (length < 1) throw Error("TextVectorization: ngrams must be positive, got " + std::to_string(length));
  }
  if (options_.output_mode != "int" && options_.output_sequence_length) {
    throw Error("TextVectorization: output_sequence_length needs output_mode \"int\", got \"" + options_.output_mode +
                "\"");
  }
  if (options_.output_sequence_length && *options_.output_sequence_length < 0) {
    throw Error("TextVectorization: output_sequence_length must not be negative, got " +
                std::to_string(*options_.output_sequence_length));
  }
  if (options_.ragged) throw Error("TextVectorization: ragged results are not supported");
  lookup_ = track(StringLookup({.max_tokens = options_.max_tokens,
                                .mask_token = "",
                                .vocabulary = options_.vocabulary,
                                .idf_weights = options_.idf_weights,
                                .output_mode = options_.output_mode,
                                .pad_to_max_tokens = options_.pad_to_max_tokens,
                                .sparse = options_.sparse,
                                .encoding = options_.encoding}),
                  "_lookup_layer");
  options_.output_mode = lookup().settings().output_mode;
}

TextVectorization TextVectorization::from_config(const Config& config) {
  TextVectorizationOptions options{.max_tokens = config.optional_int("max_tokens"),
                                   .standardize = word(config, "standardize"),
                                   .split = word(config, "split"),
                                   .output_mode = config.get("output_mode", "int"),
                                   .output_sequence_length = config.optional_int("output_sequence_length"),
                                   .pad_to_max_tokens = config.get("pad_to_max_tokens", false),
                                   .sparse = config.get("sparse", false),
                                   .ragged = config.get("ragged", false),
                                   .encoding = config.get("encoding", "utf-8")};
  if (!config.get("ngrams").is_null()) {
    for (const std::int64_t length : config.at("ngrams").as_integers())
      options.ngrams.push_back(static_cast<int>(length));
  }
  if (!config.get("vocabulary").is_null()) {
    for (const Config& token : config.at("vocabulary").items()) options.vocabulary.push_back(token.as_string());
  }
  if (!config.get("idf_weights").is_null()) {
    for (const Config& weight : config.at("idf_weights").items()) options.idf_weights.push_back(weight.as_double());
  }
  TextVectorization layer(with_base(std::move(options), config));
  layer.lookup().expect_vocabulary_size(config.optional_int("vocabulary_size"));
  return layer;
}

StringLookup& TextVectorization::lookup() const { return static_cast<StringLookup&>(*lookup_); }

std::vector<std::vector<std::string>> TextVectorization::words(const Tensor& x) const {
  if (x.dtype() != DType::string) throw Error(label() + ": strings were expected, got " + name_of(x.dtype()));
  std::vector<std::string> texts = x.to_strings();
  for (std::string& text : texts) text = standardized(std::move(text), options_.standardize);
  std::vector<std::vector<std::string>> samples;
  const std::vector<int> lengths = lengths_of(options_.ngrams);
  if (options_.split.empty()) {
    const std::size_t count = x.rank() > 1 ? static_cast<std::size_t>(x.shape()[0]) : texts.size();
    const std::size_t width = count == 0 ? 0 : texts.size() / count;
    for (std::size_t i = 0; i < count; ++i) {
      const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(i * width);
      samples.push_back(grouped({begin, begin + static_cast<std::ptrdiff_t>(width)}, lengths));
    }
    return samples;
  }
  if (x.rank() > 1 && x.shape().back() != 1) {
    throw Error(label() + ": texts must have the shape (batch,) or (batch, 1), got " + x.shape().str());
  }
  for (const std::string& text : texts) {
    samples.push_back(grouped(options_.split == "character" ? by_character(text) : by_whitespace(text), lengths));
  }
  return samples;
}

void TextVectorization::adapt(const Tensor& data) { lookup().learn(words(data)); }

void TextVectorization::adapt(const Dataset& data) {
  std::vector<std::vector<std::string>> documents;
  const auto iterator = data.iterator();
  for (Batch batch; iterator->next(batch);) {
    for (std::vector<std::string>& document : words(batch.x.only())) documents.push_back(std::move(document));
  }
  lookup().learn(documents);
}

std::vector<std::string> TextVectorization::get_vocabulary(bool include_special_tokens) const {
  return lookup().get_vocabulary(include_special_tokens);
}

void TextVectorization::set_vocabulary(const std::vector<std::string>& vocabulary,
                                       const std::vector<double>& idf_weights) {
  lookup().set_vocabulary(vocabulary, idf_weights);
}

int TextVectorization::vocabulary_size() const { return lookup().vocabulary_size(); }

Tensor TextVectorization::forward(const Tensor& x, bool) {
  lookup().require_vocabulary(label());
  const std::vector<std::vector<std::string>> samples = words(x);
  std::size_t longest = 0;
  for (const std::vector<std::string>& sample : samples) longest = std::max(longest, sample.size());
  if (options_.output_sequence_length) longest = static_cast<std::size_t>(*options_.output_sequence_length);
  const bool as_numbers = options_.output_mode == "int";
  std::vector<std::int64_t> numbers;
  for (const std::vector<std::string>& sample : samples) {
    std::vector<std::int64_t> row = lookup().looked_up(sample);
    row.resize(longest, as_numbers ? 0 : -1);
    numbers.insert(numbers.end(), row.begin(), row.end());
  }
  const Tensor indices =
      tensor(numbers, {static_cast<std::int64_t>(samples.size()), static_cast<std::int64_t>(longest)});
  return as_numbers ? indices : lookup().encoded(indices);
}

Shape TextVectorization::compute_output_shape(const Shape& input) const {
  const std::int64_t batch = input.empty() ? None : input[0];
  if (options_.output_mode == "int") {
    if (options_.output_sequence_length) return {batch, *options_.output_sequence_length};
    return {batch, None};
  }
  return lookup().compute_output_shape({batch, None});
}

DType TextVectorization::compute_output_dtype(const std::vector<DType>& inputs) const {
  return lookup().compute_output_dtype(inputs);
}

Assets TextVectorization::assets() const { return lookup().assets(); }
void TextVectorization::read_assets(const Assets& assets) { lookup().read_assets(assets); }

Config TextVectorization::config() const {
  const auto text = [](const std::string& value) { return value.empty() ? Config() : Config(value); };
  Config config = base_config();
  config["max_tokens"] = options_.max_tokens;
  config["standardize"] = text(options_.standardize);
  config["split"] = text(options_.split);
  config["ngrams"] = options_.ngrams.empty()       ? Config()
                     : options_.ngrams.size() == 1 ? Config(options_.ngrams.front())
                                                   : Config(options_.ngrams);
  config["output_mode"] = options_.output_mode;
  config["output_sequence_length"] = options_.output_sequence_length;
  config["pad_to_max_tokens"] = options_.pad_to_max_tokens;
  config["sparse"] = options_.sparse;
  config["ragged"] = options_.ragged;
  config["vocabulary"] = options_.vocabulary.empty() ? Config() : Config(options_.vocabulary);
  config["idf_weights"] = options_.idf_weights.empty() ? Config() : Config(options_.idf_weights);
  config["encoding"] = options_.encoding;
  config["vocabulary_size"] = vocabulary_size();
  return config;
}

std::vector<std::string> TextVectorization::file_names() const { return {"vocabulary.txt"}; }

}  // namespace nyala
