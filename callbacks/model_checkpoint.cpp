#include <nyala/callbacks/model_checkpoint.hpp>

#include <filesystem>

#include <nyala/error.hpp>
#include <nyala/model.hpp>

#include "path_template.hpp"
#include "support.hpp"

namespace nyala {

namespace {

constexpr const char* own_name = "ModelCheckpoint";

std::string five_decimals(double value) { return detail::filled("{v:.5f}", {}, {{"v", value}}, own_name); }

}  // namespace

ModelCheckpoint::ModelCheckpoint(std::string filepath, ModelCheckpointOptions options)
    : MonitorCallback(own_name, options.monitor, options.mode),
      filepath_(std::move(filepath)),
      options_(std::move(options)),
      best_(options_.initial_value_threshold) {
  const bool weights = filepath_.ends_with(".weights.h5");
  if (options_.save_weights_only && !weights) {
    throw Error("ModelCheckpoint: with save_weights_only the path must end in \".weights.h5\", got \"" + filepath_ +
                "\"");
  }
  if (!options_.save_weights_only && !filepath_.ends_with(".keras") && !filepath_.ends_with(".h5")) {
    throw Error("ModelCheckpoint: a path of whole models must end in \".keras\" or \".h5\", got \"" + filepath_ + "\"");
  }
  detail::check_template(filepath_, own_name);
}

void ModelCheckpoint::on_train_begin(const Logs&) {
  reset_monitor();
  epoch_ = 0;
}

void ModelCheckpoint::on_epoch_begin(int epoch, const Logs&) { epoch_ = epoch; }

void ModelCheckpoint::on_train_batch_end(int batch, const Logs& logs) {
  if (options_.save_freq.each_epoch() || ++batches_since_ < options_.save_freq.batches()) return;
  batches_since_ = 0;
  save(batch, logs);
}

void ModelCheckpoint::on_epoch_end(int epoch, const Logs& logs) {
  epoch_ = epoch;
  if (options_.save_freq.each_epoch()) save(std::nullopt, logs);
}

bool ModelCheckpoint::should_save(const Logs& logs, const std::string& path) {
  const std::string epoch = "\nEpoch " + std::to_string(epoch_ + 1) + ": ";
  if (!options_.save_best_only) {
    if (options_.verbose > 0) detail::say(epoch + "saving model to " + path);
    return true;
  }
  find_direction();
  const auto current = monitored(logs, "every model is saved, since the best one is told by");
  if (!current) return true;
  const std::string before = best_ ? five_decimals(*best_) : "None";
  const bool better = is_improvement(*current, best_);
  if (options_.verbose > 0) {
    detail::say(epoch + monitor() +
                (better ? " improved from " + before + " to " + five_decimals(*current) + ", saving model to " + path
                        : " did not improve from " + before));
  }
  if (better) best_ = current;
  return better;
}

void ModelCheckpoint::save(std::optional<int> batch, const Logs& logs) {
  std::map<std::string, long long> whole{{"epoch", epoch_ + 1}};
  if (batch) whole["batch"] = *batch + 1;
  const std::string path = detail::filled(filepath_, whole, logs, own_name);
  if (!should_save(logs, path)) return;
  if (std::filesystem::is_directory(path)) throw Error("ModelCheckpoint: " + path + " is a folder");
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code failed;
  if (!folder.empty()) std::filesystem::create_directories(folder, failed);
  if (failed) {
    throw Error("ModelCheckpoint: the folder " + folder.string() + " cannot be made: " + failed.message());
  }
  if (options_.save_weights_only)
    model().save_weights(path);
  else
    model().save(path);
  if (options_.verbose > 0) {
    detail::say("\nEpoch " + std::to_string(epoch_ + 1) + ": finished saving model to " + path);
  }
}

SavedState ModelCheckpoint::state() const {
  return {Config::object({{"best", best_}, {"epoch", epoch_}, {"batches_since", batches_since_}}), {}};
}

void ModelCheckpoint::restore(const SavedState& state) {
  best_ = state.values.optional_double("best");
  epoch_ = state.values.at("epoch").as_int();
  batches_since_ = state.values.at("batches_since").as_int();
}

}  // namespace nyala
