#pragma once

#include <string>

namespace nyala {

/// "epoch", "batch", or every so many batches.
class Frequency {
 public:
  /// Throws Error for less than 1.
  Frequency(int batches);
  /// Throws Error for another word.
  Frequency(const std::string& word);
  Frequency(const char* word) : Frequency(std::string(word)) {}

  bool each_epoch() const { return batches_ == 0; }
  /// 0: each epoch.
  int batches() const { return batches_; }

 private:
  int batches_ = 0;
};

}  // namespace nyala
