#include <nyala/callbacks/csv_logger.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <nyala/error.hpp>

#include "support.hpp"

namespace nyala {

struct CSVLogger::File {
  std::ofstream stream;
};

namespace {

/// Python's csv writes so: quoted only where it must be.
std::string cell(const std::string& text, const std::string& separator) {
  if (text.find_first_of("\"\r\n" + separator) == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

CSVLogger::CSVLogger(std::string filename, CSVLoggerOptions options)
    : filename_(std::move(filename)), options_(std::move(options)) {
  if (filename_.empty()) throw Error("CSVLogger: the file name is empty");
  if (options_.separator.size() != 1) {
    throw Error("CSVLogger: the separator must be one character, got \"" + options_.separator + "\"");
  }
}

void CSVLogger::on_train_begin(const Logs&) {
  keys_.clear();
  open(options_.append || params().resumed);
}

void CSVLogger::open(bool append) {
  header_ = true;
  if (append) {
    std::string first;
    std::ifstream existing(filename_);
    if (existing && std::getline(existing, first)) header_ = false;
  }
  file_ = std::make_shared<File>();
  file_->stream.open(filename_, std::ios::binary | (append ? std::ios::app : std::ios::trunc));
  if (!file_->stream) throw Error("CSVLogger: cannot write " + filename_ + ": " + std::strerror(errno));
}

void CSVLogger::on_epoch_end(int epoch, const Logs& logs) {
  if (file_ == nullptr) return;
  std::string text;
  if (keys_.empty()) {
    bool validated = false;
    for (const auto& [name, value] : logs) {
      keys_.push_back(name);
      validated = validated || name.starts_with("val_");
    }
    // Validation may only come in later epochs.
    const std::size_t count = keys_.size();
    for (std::size_t i = 0; !validated && i < count; ++i) keys_.push_back("val_" + keys_[i]);
  }
  if (header_) {
    text = "epoch";
    for (const std::string& key : keys_) text += options_.separator + cell(key, options_.separator);
    text += "\r\n";
    header_ = false;
  }
  text += std::to_string(epoch);
  for (const std::string& key : keys_) {
    const auto found = logs.find(key);
    text += options_.separator;
    text += found == logs.end() ? "NA" : cell(detail::python_number(found->second), options_.separator);
  }
  file_->stream << text << "\r\n" << std::flush;
  if (!file_->stream) throw Error("CSVLogger: writing " + filename_ + " failed: " + std::strerror(errno));
}

void CSVLogger::on_train_end(const Logs&) { file_ = nullptr; }

SavedState CSVLogger::state() const {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(filename_, failed);
  return {Config::object({{"keys", keys_}, {"size", failed ? std::uintmax_t{0} : size}}), {}};
}

void CSVLogger::restore(const SavedState& state) {
  keys_.clear();
  for (const Config& key : state.values.at("keys").items()) keys_.push_back(key.as_string());
  const std::int64_t size = state.values.at("size").as_integer();
  // Lines of epochs that will come again go; a file that has lost lines meanwhile is only continued.
  std::error_code failed;
  const std::uintmax_t now = std::filesystem::file_size(filename_, failed);
  if (!failed && size >= 0 && now > static_cast<std::uintmax_t>(size)) {
    file_ = nullptr;
    std::filesystem::resize_file(filename_, static_cast<std::uintmax_t>(size), failed);
    if (failed) throw Error("CSVLogger: cannot shorten " + filename_ + ": " + failed.message());
  }
  open(true);
}

}  // namespace nyala
