#include <nyala/callbacks/backup_and_restore.hpp>

#include <filesystem>

#include <nyala/error.hpp>
#include <nyala/training_run.hpp>

#include "support.hpp"

namespace nyala {

namespace fs = std::filesystem;

namespace {

/// Puts the file under a second name, in one step for whoever looks there.
void keep_as(const std::string& file, const std::string& name) {
  const std::string beside = name + ".new";
  std::error_code failed;
  fs::remove(beside, failed);
  fs::create_hard_link(file, beside, failed);
  if (failed) fs::copy_file(file, beside, fs::copy_options::overwrite_existing, failed);
  if (!failed) fs::rename(beside, name, failed);
  if (failed) throw Error("BackupAndRestore: \"" + file + "\" cannot be kept as \"" + name + "\": " + failed.message());
}

}  // namespace

BackupAndRestore::BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options)
    : folder_(std::move(backup_dir)), options_(options) {
  if (folder_.empty()) throw Error("BackupAndRestore: backup_dir is empty");
  latest_ = (fs::path(folder_) / "latest.run").string();
  previous_ = latest_ + ".bkp";
}

void BackupAndRestore::prepare(TrainingRun& run) {
  batches_since_ = 0;
  std::error_code ignored;
  std::string from = latest_;
  TrainingRun::Place place;
  if (fs::exists(latest_, ignored)) {
    try {
      place = run.resume(latest_);
    } catch (const Error& error) {
      if (!fs::exists(previous_, ignored)) {
        throw Error(std::string(error.what()) + ". Without that file in " + folder_ + " training begins anew");
      }
      detail::warn(std::string("BackupAndRestore: ") + error.what() + "; the one before it is taken");
      place = run.resume(from = previous_);
    }
  } else if (fs::exists(previous_, ignored)) {
    place = run.resume(from = previous_);
  } else {
    return;
  }
  if (params().verbose == 0) return;
  const std::string where = place.epoch >= params().epochs ? "the training was done: " + std::to_string(place.epoch) +
                                                                 " of " + std::to_string(params().epochs) + " epochs"
                            : place.batches > 0 ? "going on in epoch " + std::to_string(place.epoch + 1) +
                                                      " after batch " + std::to_string(place.batches)
                                                : "going on with epoch " + std::to_string(place.epoch + 1);
  detail::say("BackupAndRestore: " + where + " (from " + from + ")");
}

void BackupAndRestore::on_train_batch_end(int, const Logs&) {
  if (options_.save_freq.each_epoch() || ++batches_since_ < options_.save_freq.batches()) return;
  batches_since_ = 0;
  save_afterwards();
}

void BackupAndRestore::on_epoch_end(int, const Logs&) {
  if (options_.save_freq.each_epoch()) save_afterwards();
}

void BackupAndRestore::on_train_end(const Logs&) {
  if (options_.delete_checkpoint) training_run().afterwards([this] { remove(); });
}

SavedState BackupAndRestore::state() const { return {Config::object({{"batches_since", batches_since_}}), {}}; }

void BackupAndRestore::restore(const SavedState& state) { batches_since_ = state.values.at("batches_since").as_int(); }

void BackupAndRestore::save_afterwards() {
  training_run().afterwards([this] { save(); });
}

void BackupAndRestore::save() {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) {
    throw Error("BackupAndRestore: the folder \"" + folder_ + "\" cannot be made: " + failed.message());
  }
  if (options_.double_checkpoint && fs::exists(latest_, failed)) keep_as(latest_, previous_);
  training_run().save(latest_);
}

void BackupAndRestore::remove() {
  std::error_code ignored;
  fs::remove(previous_ + ".new", ignored);
  fs::remove(previous_, ignored);
  fs::remove(latest_, ignored);
  fs::remove(folder_, ignored);  // only if nothing else is in it
}

}  // namespace nyala
