#pragma once

#include <string>

#include <nyala/callback.hpp>
#include <nyala/callbacks/frequency.hpp>

namespace nyala {

struct BackupAndRestoreOptions {
  /// "epoch", or every so many batches: then training also goes on in the middle of an epoch.
  Frequency save_freq = "epoch";
  /// Keep the previous backup too, for when the latest cannot be read.
  bool double_checkpoint = false;
  /// Whether the backup goes when the training is done.
  bool delete_checkpoint = true;
};

/// Lets a training that was cut off go on when the program is started again: the same program, ending with the same
/// weights and history, bit for bit, as if nothing had happened. https://keras.io/api/callbacks/backup_and_restore/
///
/// A backup is one file, backup_dir/latest.run, replaced in one step. It holds weights and other variables of layers,
/// the optimizer's slots, steps, learning rate and loss scale, all random streams, the place in the data and its order,
/// losses and metrics of the epoch so far, History, and what the callbacks keep (Callback::state): patience, best
/// values and best weights, the lines of a CSV file. Data, callbacks and compile() stay the program's: it makes them as
/// before.
///
/// What cannot be known to it must not matter, or be restored by the program: members of layers of one's own that are
/// neither weights nor tracked (Layer::track), callbacks and metrics of one's own without state(), functions with a
/// memory given to a schedule, a LambdaCallback or a Dataset (see there). Another number of threads changes nothing;
/// another machine or version may change the last bits.
///
/// fit throws Error, with nothing changed, if the backup does not fit the model, the optimizer or the data; a callback
/// that was added or taken away is only named in a warning. A backup that fails ends the training with Error.
class BackupAndRestore : public Callback {
 public:
  /// backup_dir is made if it is missing. It serves one training at a time. Throws Error if it is empty.
  explicit BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options = {});
  void prepare(TrainingRun& run) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_train_end(const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  void save_afterwards();
  void save();
  void remove();

  std::string folder_, latest_, previous_;
  BackupAndRestoreOptions options_;
  int batches_since_ = 0;
};

}  // namespace nyala
