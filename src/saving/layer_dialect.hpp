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

/// Which Keras wrote a file.
struct KerasVersion {
  int major = 3, minor = 99;
  bool of_tensorflow = false;

  bool before(int other_major, int other_minor) const {
    return major != other_major ? major < other_major : minor < other_minor;
  }
  /// Keras 1 to 2.3, which was no part of TensorFlow.
  bool stands_alone() const { return !of_tensorflow && before(2, 4); }
  /// A cell of an image stands where its corner is, not its middle, as TensorFlow's first resize_bilinear has it.
  bool resizes_from_corners() const { return stands_alone() || before(2, 2); }
  /// What a mask leaves out counts as a loss of 0, so that the mean is over all entries; before and since, over the
  /// rest.
  bool masks_weigh() const { return (of_tensorflow || !before(2, 3)) && before(2, 10); }
  /// Activity regularizers: of a mean sample in TensorFlow's Keras and since 3.14, of the whole batch in the others.
  bool sums_activity() const { return stands_alone() || (major == 3 && minor < 14); }
};

/// The version that this thread reads; today's if nothing said so.
const KerasVersion& version_being_read();

/// Which Keras wrote what this thread reads, while it lives: some words of 1 and 2 mean something else today.
class VersionBeingRead {
 public:
  /// "2.15.0" or "2.2.4-tf"; anything that begins with no digit changes nothing.
  explicit VersionBeingRead(const std::string& keras_version);
  ~VersionBeingRead();
  VersionBeingRead(const VersionBeingRead&) = delete;
  VersionBeingRead& operator=(const VersionBeingRead&) = delete;

 private:
  KerasVersion before_;
};

/// A key that may stand in a layer's config without being a setting that Nyala has.
bool is_ignored_key(const std::string& key);

}  // namespace nyala::saving
