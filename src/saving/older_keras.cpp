#include "saving/older_keras.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nyala::saving {

namespace {

struct NewKey {
  int since;  // the first 3.x that has it
  std::vector<std::string_view> classes;
  const char* key;
  Config standard;
};

/// As files of 3.0.5 to 3.15.1 show.
const std::vector<NewKey>& new_keys() {
  static const std::vector<std::string_view> attention = {"MultiHeadAttention", "GroupQueryAttention",
                                                          "GroupedQueryAttention"};
  static const std::vector<std::string_view> scaling = {"VarianceScaling", "GlorotUniform", "GlorotNormal", "HeUniform",
                                                        "HeNormal",        "LecunUniform",  "LecunNormal"};
  static const std::vector<NewKey> keys = {
      {3, {"Resizing"}, "pad_to_aspect_ratio", false},
      {3, {"Resizing"}, "fill_mode", "constant"},
      {3, {"Resizing"}, "fill_value", 0.0},
      {5, {"LayerNormalization"}, "rms_scaling", false},
      {5, attention, "seed", nullptr},
      {5, {"ZeroPadding1D"}, "data_format", "channels_last"},
      {6, {"RandomFlip"}, "data_format", "channels_last"},
      {9, {"InputLayer"}, "ragged", false},
      {9, {"Resizing"}, "antialias", false},
      {12, {"ELU"}, "alpha", 1.0},
      {13, {"Dense", "EinsumDense", "Embedding", "ReversibleEmbedding"}, "quantization_config", nullptr},
      {13, {"InputLayer"}, "optional", false},
      {13, {"Muon"}, "adam_weight_decay", 0.004},
      {13, {"Muon"}, "rms_rate", 0.2},
      {14, {"BatchNormalization"}, "renorm", false},
      {14, {"BatchNormalization"}, "renorm_clipping", nullptr},
      {14, {"BatchNormalization"}, "renorm_momentum", 0.99},
      {14, attention, "use_gate", false},
      {15, attention, "sliding_window", nullptr},
      {15, {"Attention", "AdditiveAttention"}, "seed", nullptr},
      {15, {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}, "output_padding", nullptr},
      {15, scaling, "input_axes", nullptr},
      {15, scaling, "output_axes", nullptr},
  };
  return keys;
}

void drop_new_keys(const std::string& class_name, Config& config, int minor) {
  for (const NewKey& row : new_keys()) {
    if (minor >= row.since || std::find(row.classes.begin(), row.classes.end(), class_name) == row.classes.end())
      continue;
    if (config.contains(row.key) && config.at(row.key) == row.standard) config.erase(row.key);
  }
}

}  // namespace

Config in_words_of(const Config& objects, int minor) {
  if (objects.is_array()) {
    std::vector<Config> items;
    for (const Config& item : objects.items()) items.push_back(in_words_of(item, minor));
    return Config::array(std::move(items));
  }
  if (!objects.is_object()) return objects;
  const bool is_class = objects.get("class_name").is_string() && objects.get("config").is_object();
  if (is_class && minor < 5 && objects.at("class_name") == Config("DTypePolicy"))
    return objects.at("config").get("name");
  Config result = Config::object();
  for (const auto& [key, value] : objects.entries()) {
    Config translated = in_words_of(value, minor);
    if (is_class && key == "config") drop_new_keys(objects.at("class_name").as_string(), translated, minor);
    result[key] = std::move(translated);
  }
  return result;
}

}  // namespace nyala::saving
