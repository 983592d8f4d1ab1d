// IndexLookup in files: what a config says, and the vocabulary that stands beside it.
#include <algorithm>
#include <charconv>

#include <nyala/error.hpp>
#include <nyala/layers/lookup.hpp>

#include "index_vocabulary.hpp"

namespace nyala {

bool lookup::is_whole_number(const std::string& text) {
  std::int64_t number = 0;
  const char* last = text.data() + text.size();
  const auto read = std::from_chars(text.data(), last, number);
  return read.ec == std::errc() && read.ptr == last;
}

std::vector<std::string> IndexLookup::file_names() const { return {"vocabulary.txt"}; }

std::vector<std::string> IndexLookup::tensor_names() const { return {"idf_weights"}; }

Assets IndexLookup::assets() const {
  Assets kept;
  if (settings_.output_mode == "tf_idf" && !empty() && !vocabulary_->idf.empty())
    kept.tensors["idf_weights"] = cast(tensor(vocabulary_->idf), floatx());
  if (!settings_.vocabulary.empty()) return kept;
  std::string& text = kept.files["vocabulary.txt"];
  for (const std::string& token : tokens(true)) text += token + "\n";
  if (!text.empty()) text.pop_back();
  return kept;
}

void IndexLookup::read_assets(const Assets& assets) {
  const auto found = assets.files.find("vocabulary.txt");
  if (found == assets.files.end() || !settings_.vocabulary.empty()) return;
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= found->second.size();) {
    const std::size_t end = std::min(found->second.find('\n', begin), found->second.size());
    std::string line = found->second.substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
    begin = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (integers_) {
    for (const std::string& line : lines) {
      if (lookup::is_whole_number(line)) continue;
      throw Error(label() + ": \"vocabulary.txt\" holds \"" + line.substr(0, 40) + "\", which is no whole number");
    }
  }
  if (static_cast<std::int64_t>(lines.size()) <= token_start()) return;  // nothing was learnt
  std::vector<double> idf;
  const auto weights = assets.tensors.find("idf_weights");
  if (settings_.output_mode == "tf_idf" && weights != assets.tensors.end()) {
    idf = weights->second.to_vector<double>();
    if (settings_.pad_to_max_tokens && idf.size() > lines.size()) idf.resize(lines.size());
  }
  set_tokens(lines, idf);
}

LookupSettings IndexLookup::settings_of(const Config& config) {
  LookupSettings settings{.max_tokens = config.optional_int("max_tokens"),
                          .num_oov_indices = config.get("num_oov_indices", 1),
                          .invert = config.get("invert", false),
                          .output_mode = config.get("output_mode", "int"),
                          .sparse = config.get("sparse", false),
                          .pad_to_max_tokens = config.get("pad_to_max_tokens", false),
                          .oov_method = config.get("oov_method", "floormod"),
                          .vocabulary_size = config.optional_int("vocabulary_size")};
  const auto token = [](const Config& value) {
    return value.is_string() ? value.as_string() : std::to_string(value.as_integer());
  };
  if (!config.get("mask_token").is_null()) settings.mask_token = token(config.at("mask_token"));
  if (!config.get("oov_token").is_null()) settings.oov_token = token(config.at("oov_token"));
  const Config& vocabulary = config.get("vocabulary");
  if (vocabulary.is_string()) {
    throw Error("the vocabulary is in the file \"" + vocabulary.as_string() +
                "\" outside of the model, which is not opened");
  }
  if (!vocabulary.is_null()) {
    for (const Config& one : vocabulary.items()) settings.vocabulary.push_back(token(one));
  }
  if (!config.get("idf_weights").is_null()) {
    for (const Config& one : config.at("idf_weights").items()) settings.idf_weights.push_back(one.as_double());
  }
  if (!config.get("salt").is_null()) settings.salt = config.at("salt").as_integers();
  return settings;
}

Config IndexLookup::token_config(const std::string& token) const {
  return integers_ ? Config(std::stoll(token)) : Config(token);
}

Config IndexLookup::lookup_config() const {
  Config config = base_config();
  config["invert"] = settings_.invert;
  config["max_tokens"] = settings_.max_tokens;
  config["num_oov_indices"] = settings_.num_oov_indices;
  config["oov_token"] = settings_.oov_token ? token_config(*settings_.oov_token) : Config();
  config["mask_token"] = settings_.mask_token ? token_config(*settings_.mask_token) : Config();
  config["output_mode"] = settings_.output_mode;
  config["sparse"] = settings_.sparse;
  config["pad_to_max_tokens"] = settings_.pad_to_max_tokens;
  config["idf_weights"] = settings_.idf_weights.empty() ? Config() : Config(settings_.idf_weights);
  config["vocabulary"] = nullptr;
  if (!settings_.vocabulary.empty()) {
    std::vector<Config> tokens;
    for (const std::string& token : settings_.vocabulary) tokens.push_back(token_config(token));
    config["vocabulary"] = Config::array(tokens);
  }
  config["vocabulary_size"] = empty() ? Config() : Config(vocabulary_size());
  config["oov_method"] = settings_.oov_method;
  config["salt"] = settings_.salt.empty() ? Config() : Config(settings_.salt);
  return config;
}

}  // namespace nyala
