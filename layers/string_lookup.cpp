#include <nyala/error.hpp>
#include <nyala/layers/lookup.hpp>

namespace nyala {

StringLookup::StringLookup(StringLookupOptions options) : LayerOf(options), encoding_(options.encoding) {
  set_up({.max_tokens = options.max_tokens,
          .num_oov_indices = options.num_oov_indices,
          .mask_token = options.mask_token,
          .oov_token = options.oov_token,
          .vocabulary = options.vocabulary,
          .idf_weights = options.idf_weights,
          .invert = options.invert,
          .output_mode = options.output_mode,
          .sparse = options.sparse,
          .pad_to_max_tokens = options.pad_to_max_tokens,
          .salt = options.salt},
         false, "StringLookup");
}

StringLookup StringLookup::from_config(const Config& config) {
  StringLookup layer(with_base(StringLookupOptions{.encoding = config.get("encoding", "utf-8")}, config));
  layer.set_up(settings_of(config), false, "StringLookup");
  return layer;
}

Config StringLookup::config() const {
  Config config = lookup_config();
  config["encoding"] = encoding_;
  return config;
}

IntegerLookup::IntegerLookup(IntegerLookupOptions options) : LayerOf(options) {
  const auto text = [](const auto& number) { return std::to_string(number); };
  LookupSettings settings{.max_tokens = options.max_tokens,
                          .num_oov_indices = options.num_oov_indices,
                          .oov_token = text(options.oov_token),
                          .idf_weights = options.idf_weights,
                          .invert = options.invert,
                          .output_mode = options.output_mode,
                          .sparse = options.sparse,
                          .pad_to_max_tokens = options.pad_to_max_tokens,
                          .oov_method = options.oov_method,
                          .salt = options.salt};
  if (options.mask_token) settings.mask_token = text(*options.mask_token);
  for (const std::int64_t number : options.vocabulary) settings.vocabulary.push_back(text(number));
  set_up(std::move(settings), true, "IntegerLookup");
}

IntegerLookup IntegerLookup::from_config(const Config& config) {
  if (config.get("vocabulary_dtype", "int64") != std::string("int64")) {
    throw Error("IntegerLookup: vocabulary_dtype must be \"int64\", got " + config.at("vocabulary_dtype").json());
  }
  IntegerLookup layer(with_base(IntegerLookupOptions{}, config));
  layer.set_up(settings_of(config), true, "IntegerLookup");
  return layer;
}

std::vector<std::int64_t> IntegerLookup::get_vocabulary(bool include_special_tokens) const {
  std::vector<std::int64_t> numbers;
  for (const std::string& token : tokens(include_special_tokens)) numbers.push_back(std::stoll(token));
  return numbers;
}

void IntegerLookup::set_vocabulary(const std::vector<std::int64_t>& vocabulary,
                                   const std::vector<double>& idf_weights) {
  std::vector<std::string> tokens;
  for (const std::int64_t number : vocabulary) tokens.push_back(std::to_string(number));
  set_tokens(tokens, idf_weights);
}

Config IntegerLookup::config() const {
  Config config = lookup_config();
  config["vocabulary_dtype"] = "int64";
  return config;
}

}  // namespace nyala
