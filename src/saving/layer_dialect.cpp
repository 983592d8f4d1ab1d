// What Keras 1, 2 and tf.keras called things.
#include "saving/layer_dialect.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include <nyala/dtype.hpp>
#include <nyala/error.hpp>

#include "saving/config_values.hpp"
#include "saving/dtype_words.hpp"

namespace nyala::saving {

namespace {

thread_local KerasVersion version;

const std::map<std::string, std::string>& class_aliases() {
  static const std::map<std::string, std::string> aliases = {
      {"AtrousConvolution1D", "Conv1D"},
      {"AtrousConvolution2D", "Conv2D"},
      {"Convolution1D", "Conv1D"},
      {"Convolution2D", "Conv2D"},
      {"Convolution3D", "Conv3D"},
      {"Convolution1DTranspose", "Conv1DTranspose"},
      {"Convolution2DTranspose", "Conv2DTranspose"},
      {"Convolution3DTranspose", "Conv3DTranspose"},
      {"Deconvolution2D", "Conv2DTranspose"},
      {"Deconvolution3D", "Conv3DTranspose"},
      {"SeparableConvolution1D", "SeparableConv1D"},
      {"SeparableConvolution2D", "SeparableConv2D"},
      {"GroupedQueryAttention", "GroupQueryAttention"},
      {"AvgPool1D", "AveragePooling1D"},
      {"AvgPool2D", "AveragePooling2D"},
      {"AvgPool3D", "AveragePooling3D"},
      {"MaxPool1D", "MaxPooling1D"},
      {"MaxPool2D", "MaxPooling2D"},
      {"MaxPool3D", "MaxPooling3D"},
      {"GlobalAvgPool1D", "GlobalAveragePooling1D"},
      {"GlobalAvgPool2D", "GlobalAveragePooling2D"},
      {"GlobalAvgPool3D", "GlobalAveragePooling3D"},
      {"GlobalMaxPool1D", "GlobalMaxPooling1D"},
      {"GlobalMaxPool2D", "GlobalMaxPooling2D"},
      {"GlobalMaxPool3D", "GlobalMaxPooling3D"},
      {"BatchNormalizationV1", "BatchNormalization"},
      {"BatchNormalizationV2", "BatchNormalization"},
      {"SyncBatchNormalization", "BatchNormalization"},
      {"LSTMV2", "LSTM"},
      {"GRUV2", "GRU"},
      {"CuDNNLSTM", "LSTM"},
      {"CuDNNGRU", "GRU"},
      {"ThresholdedReLU", "ReLU"},
  };
  return aliases;
}

using Renames = std::vector<std::pair<const char*, const char*>>;

/// Keras 1 and early 2: old key -> today's. Only done where today's is missing.
const Renames& renames_of(const std::string& class_name) {
  static const Renames convolution = {{"nb_filter", "filters"},
                                      {"filter_length", "kernel_size"},
                                      {"subsample", "strides"},
                                      {"subsample_length", "strides"},
                                      {"border_mode", "padding"},
                                      {"dim_ordering", "data_format"},
                                      {"atrous_rate", "dilation_rate"},
                                      {"bias", "use_bias"},
                                      {"init", "kernel_initializer"},
                                      {"W_regularizer", "kernel_regularizer"},
                                      {"b_regularizer", "bias_regularizer"},
                                      {"W_constraint", "kernel_constraint"},
                                      {"b_constraint", "bias_constraint"}};
  static const Renames dense = {{"output_dim", "units"},
                                {"bias", "use_bias"},
                                {"init", "kernel_initializer"},
                                {"W_regularizer", "kernel_regularizer"},
                                {"b_regularizer", "bias_regularizer"},
                                {"W_constraint", "kernel_constraint"},
                                {"b_constraint", "bias_constraint"}};
  static const Renames recurrent = {{"output_dim", "units"},
                                    {"init", "kernel_initializer"},
                                    {"inner_init", "recurrent_initializer"},
                                    {"inner_activation", "recurrent_activation"},
                                    {"W_regularizer", "kernel_regularizer"},
                                    {"U_regularizer", "recurrent_regularizer"},
                                    {"b_regularizer", "bias_regularizer"},
                                    {"dropout_W", "dropout"},
                                    {"dropout_U", "recurrent_dropout"}};
  static const Renames pooling = {
      {"pool_length", "pool_size"}, {"stride", "strides"}, {"border_mode", "padding"}, {"dim_ordering", "data_format"}};
  static const Renames none = {};
  static const std::map<std::string, const Renames> own = {
      {"Dense", dense},
      {"LSTM", recurrent},
      {"GRU", recurrent},
      {"SimpleRNN", recurrent},
      {"Dropout", {{"p", "rate"}}},
      {"GaussianDropout", {{"p", "rate"}}},
      {"AlphaDropout", {{"p", "rate"}}},
      {"SpatialDropout1D", {{"p", "rate"}}},
      {"SpatialDropout2D", {{"p", "rate"}}},
      {"SpatialDropout3D", {{"p", "rate"}}},
      {"GaussianNoise", {{"sigma", "stddev"}}},
      {"LeakyReLU", {{"alpha", "negative_slope"}}},
      {"UpSampling1D", {{"length", "size"}}},
      {"BatchNormalization", {{"beta_init", "beta_initializer"}, {"gamma_init", "gamma_initializer"}}},
      {"Embedding",
       {{"init", "embeddings_initializer"},
        {"W_regularizer", "embeddings_regularizer"},
        {"W_constraint", "embeddings_constraint"}}},
  };
  const auto found = own.find(class_name);
  if (found != own.end()) return found->second;
  if (class_name.find("Conv") != std::string::npos) return convolution;
  if (class_name.find("Pooling") != std::string::npos) return pooling;
  static const Renames format = {{"dim_ordering", "data_format"}};
  if (class_name.rfind("ZeroPadding", 0) == 0 || class_name.rfind("UpSampling", 0) == 0 ||
      class_name.rfind("Cropping", 0) == 0)
    return format;
  return none;
}

void rename(Config& config, const std::string& class_name) {
  for (const auto& [old_key, key] : renames_of(class_name)) {
    if (!config.contains(old_key)) continue;
    const Config value = config.at(old_key);
    config.erase(old_key);
    if (!config.contains(key)) config[key] = value;
  }
  if (config.contains("nb_row") && config.contains("nb_col") && !config.contains("kernel_size")) {
    const Config rows = config.at("nb_row"), columns = config.at("nb_col");
    config["kernel_size"] = Config::array({rows, columns});
  }
  const Config format = config.get("data_format");
  if (format == Config("tf")) config["data_format"] = "channels_last";
  if (format == Config("th")) config["data_format"] = "channels_first";
  if (format == Config("default")) config["data_format"] = nullptr;
}

/// A key that must have the value that Keras 3 takes for granted.
void drop(Config& config, const char* key, const Config& only_value) {
  if (!config.contains(key)) return;
  const Config& value = config.at(key);
  if (!value.is_null() && value != only_value)
    throw Error(std::string("the key \"") + key + "\" is " + value.json() + ", which is not supported");
  config.erase(key);
}

bool is_recurrent(const std::string& name) {
  static const std::set<std::string> names = {"LSTM",          "GRU",        "SimpleRNN",  "RNN",
                                              "SimpleRNNCell", "LSTMCell",   "GRUCell",    "StackedRNNCells",
                                              "ConvLSTM1D",    "ConvLSTM2D", "ConvLSTM3D", "Bidirectional"};
  return names.count(name) != 0;
}

void recurrent_words(Config& config, const std::string& given_name, const std::string& name) {
  const bool old = config.contains("implementation") || config.contains("consume_less");
  drop(config, "time_major", false);
  for (const char* key : {"implementation", "num_constants", "consume_less", "ragged", "input_dim", "input_length"}) {
    config.erase(key);
  }
  if (config.contains("forget_bias_init")) {
    config["unit_forget_bias"] = config.at("forget_bias_init") == Config("one");
    config.erase("forget_bias_init");
  }
  if (given_name == "CuDNNLSTM" || given_name == "CuDNNGRU") {
    config["activation"] = "tanh";
    config["recurrent_activation"] = "sigmoid";
    if (name == "GRU") config["reset_after"] = true;
  } else if (name == "GRU" && old && !config.contains("reset_after")) {
    config["reset_after"] = false;
  }
}

void convolution_words(Config& config, const std::string& name) {
  const bool depthwise = name.rfind("Depthwise", 0) == 0, separable = name.rfind("Separable", 0) == 0;
  for (const char* key :
       {"nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3", "input_dim", "input_length", "output_shape"}) {
    config.erase(key);
  }
  if (depthwise || separable || name.find("Transpose") != std::string::npos) {
    config.erase("groups");
  }
  if (depthwise || separable) {
    for (const char* key : {"kernel_initializer", "kernel_regularizer", "kernel_constraint"}) config.erase(key);
  }
  if (depthwise) config.erase("filters");
}

/// hard_sigmoid became another function in Keras 3: clip(x / 6 + 0.5, 0, 1) instead of clip(0.2 x + 0.5, 0, 1).
void activation_words(Config& config) {
  if (version.major >= 3) return;
  for (const char* key : {"activation", "recurrent_activation"}) {
    const Config& value = config.get(key);
    const bool object = value.is_object() && value.get("config").is_string();
    if (value == Config("hard_sigmoid") || (object && value.at("config") == Config("hard_sigmoid")))
      config[key] = "keras2_hard_sigmoid";
  }
}

void normalization_words(Config& config) {
  if (config.get("axis").is_array() && config.at("axis").size() == 1) {
    const Config only = config.at("axis")[0];
    config["axis"] = only;
  }
  for (const char* key : {"fused", "virtual_batch_size", "adjustment", "mode"}) {
    if (config.contains(key)) config.erase(key);
  }
}

}  // namespace

const KerasVersion& version_being_read() { return version; }

VersionBeingRead::VersionBeingRead(const std::string& keras_version) : before_(version) {
  const char* const end = keras_version.data() + keras_version.size();
  KerasVersion read{.minor = 0};
  const auto major = std::from_chars(keras_version.data(), end, read.major);
  if (major.ec != std::errc()) return;
  if (major.ptr != end && *major.ptr == '.') std::from_chars(major.ptr + 1, end, read.minor);
  read.of_tensorflow = keras_version.ends_with("-tf") || (read.major == 2 && read.minor >= 4);
  version = read;
}
VersionBeingRead::~VersionBeingRead() { version = before_; }

bool is_ignored_key(const std::string& key) {
  static const std::set<std::string> keys = {"batch_input_shape",
                                             "dynamic",
                                             "input_shape",
                                             "input_dtype",
                                             "autocast",
                                             "build_config",
                                             "lora_rank",
                                             "lora_alpha",
                                             "quantization_policy",
                                             "policy_map",
                                             "optional",
                                             "quantization_mode",
                                             "trainable",
                                             "dtype",
                                             "name",
                                             "activity_regularizer",
                                             "quantization_config",
                                             "batch_size",
                                             "sparse",
                                             "ragged"};
  return keys.count(key) != 0;
}

namespace {

/// Keras 1's one layer for all ways of merging.
void merge_words(std::string& class_name, Config& config) {
  static const std::map<std::string, std::string> layers{
      {"sum", "Add"}, {"mul", "Multiply"}, {"ave", "Average"}, {"max", "Maximum"}, {"concat", "Concatenate"},
      {"dot", "Dot"}, {"cos", "Dot"}};
  const std::string mode = config.get("mode", "sum");
  const auto layer = layers.find(mode);
  if (layer == layers.end()) throw Error("Merge: the mode \"" + mode.substr(0, 60) + "\" is not known");
  class_name = layer->second;
  Config kept = Config::object();
  for (const char* key : {"name", "trainable"}) {
    if (config.contains(key)) kept[key] = config.at(key);
  }
  if (class_name == "Concatenate") kept["axis"] = config.get("concat_axis", -1);
  if (class_name == "Dot") {
    kept["axes"] = config.get("dot_axes");
    kept["normalize"] = mode == "cos";
  }
  config = kept;
}

}  // namespace

LayerWords todays_words(const std::string& class_name, const Config& given) {
  LayerWords words{class_name, plain(given), {}};
  Config& config = words.config;
  if (config.is_null()) config = Config::object();
  if (!config.is_object()) throw Error("the config must be an object, got " + config.json().substr(0, 60));
  const auto alias = class_aliases().find(class_name);
  if (alias != class_aliases().end()) words.class_name = alias->second;
  const std::string& name = words.class_name;
  dtype_words(config, name);
  if (name == "InputLayer") {
    if (config.contains("batch_input_shape") && !config.contains("batch_shape")) {
      const Config shape = config.at("batch_input_shape");
      config["batch_shape"] = shape;
    }
    if (!config.contains("batch_shape") && config.get("shape").is_array()) {
      Config shape = Config::array({config.get("batch_size")});
      for (const Config& size : config.at("shape").items()) shape.push_back(size);
      config["batch_shape"] = shape;
      config.erase("shape");
    }
    for (const char* key : {"sparse", "ragged"}) drop(config, key, false);
    for (const char* key : {"batch_input_shape", "input_dtype", "batch_size"}) config.erase(key);
    return words;
  }
  if (name == "Merge") {
    merge_words(words.class_name, config);
    return words;
  }
  rename(config, name);
  if (config.contains("batch_input_shape")) {
    words.batch_input_shape = config.at("batch_input_shape");
    config.erase("batch_input_shape");
  } else if (config.get("input_shape").is_array()) {
    Config shape = Config::array({Config()});
    for (const Config& size : config.at("input_shape").items()) shape.push_back(size);
    words.batch_input_shape = shape;
  }
  activation_words(config);
  if (is_recurrent(name)) recurrent_words(config, class_name, name);
  if (name.find("Conv") != std::string::npos && name.find("LSTM") == std::string::npos) convolution_words(config, name);
  if (name == "BatchNormalization") {
    normalization_words(config);
  } else if (name == "Embedding") {
    for (const char* key : {"input_length", "dropout"}) config.erase(key);
  } else if (name == "Dense") {
    config.erase("input_dim");
  } else if (name == "MultiHeadAttention") {
    for (const char* key : {"query_shape", "key_shape", "value_shape", "softmax_robust_masking"}) config.erase(key);
    if (version.before(3, 8)) config["nyala_keeps_masks"] = true;
  } else if (name == "Attention" || name == "AdditiveAttention") {
    drop(config, "causal", false);
  } else if (name.rfind("SpatialDropout", 0) == 0) {
    config.erase("noise_shape");  // of tf.keras, which takes it from the input's shape
  } else if (name == "RandomRotation") {
    config.erase("value_range");  // before 3.6, without a meaning
  } else if (name == "Discretization" && config.get("dtype") == Config("int64")) {
    config.erase("dtype");  // the default before 3.13, of the result alone
  } else if (name == "CategoryEncoding" && config.contains("max_tokens") && !config.contains("num_tokens")) {
    // Of TensorFlow's Keras up to 2.5.
    config["num_tokens"] = config.at("max_tokens");
    config.erase("max_tokens");
    if (config.get("output_mode") == Config("binary")) config["output_mode"] = "multi_hot";
  } else if (name == "RandomCrop") {
    if (version.before(3, 8)) config["nyala_at_inference"] = version.before(3, 6) ? "middle" : "window";
  } else if (name == "Bidirectional") {
    if (version.stands_alone()) config["nyala_repeats_masked"] = true;
  } else if (name == "UpSampling2D") {
    if (version.resizes_from_corners() && config.get("interpolation") == Config("bilinear"))
      config["nyala_counts_from_corners"] = true;
  } else if (name == "TimeDistributed") {
    if (version.before(3, 0)) config["nyala_folds_time"] = true;
  } else if (name == "Softmax") {
    if (version.before(3, 10)) config["nyala_masks_by_adding"] = true;
  } else if (class_name == "ThresholdedReLU") {
    const Config theta = config.get("theta");
    config["threshold"] = theta.is_object() ? Config(tensor_from_config(theta).item<double>()) : theta;
    config.erase("theta");
  } else if (name == "ReLU" || name == "LeakyReLU") {
    if (config.contains("negative_slope") && config.at("negative_slope").is_object())
      config["negative_slope"] = tensor_from_config(config.at("negative_slope")).item<double>();
  }
  return words;
}

}  // namespace nyala::saving
