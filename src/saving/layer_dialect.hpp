#pragma once

#include <string>

#include <nyala/config.hpp>

namespace nyala::saving {

/// A layer's class and config in today's words.
struct LayerWords {
  std::string class_name;
  Config config;
  /// What the first layer of an old model says of the model's input; null otherwise.
  Config batch_input_shape;
};

/// From any version's words: old class names, renamed and obsolete keys, forms of dtypes and axes. Throws Error naming
/// the key for a setting that cannot be kept (time_major = true).
LayerWords todays_words(const std::string& class_name, const Config& config);

/// Which Keras wrote what this thread reads, while it lives: some words of 1 and 2 mean something else today.
class VersionBeingRead {
 public:
  /// "2.15.0"; anything that begins with no digit changes nothing.
  explicit VersionBeingRead(const std::string& keras_version);
  ~VersionBeingRead();
  VersionBeingRead(const VersionBeingRead&) = delete;
  VersionBeingRead& operator=(const VersionBeingRead&) = delete;

 private:
  int before_;
};

/// A key that may stand in a layer's config without being a setting that Nyala has.
bool is_ignored_key(const std::string& key);

}  // namespace nyala::saving
