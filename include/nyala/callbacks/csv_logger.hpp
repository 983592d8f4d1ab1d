#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nyala/callback.hpp>

namespace nyala {

struct CSVLoggerOptions {
  std::string separator = ",";
  /// Whether lines are added to a file that exists, instead of beginning it anew.
  bool append = false;
};

/// Writes a line of metrics per epoch (from 0) to a file. https://keras.io/api/callbacks/csv_logger/
class CSVLogger : public Callback {
 public:
  /// Throws Error unless the separator is one character.
  explicit CSVLogger(std::string filename, CSVLoggerOptions options = {});
  void on_train_begin(const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  struct File;
  void open(bool append);
  std::string filename_;
  CSVLoggerOptions options_;
  std::shared_ptr<File> file_;
  std::vector<std::string> keys_;
  bool header_ = true;
};

}  // namespace nyala
