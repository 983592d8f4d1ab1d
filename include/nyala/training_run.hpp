#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace nyala {

/// A fit under way, as its callbacks may use it.
class TrainingRun {
 public:
  struct Place {
    int epoch = 0;             // from 0
    std::int64_t batches = 0;  // of that epoch, that are done
  };

  virtual ~TrainingRun() = default;

  /// Runs `action` once every callback has had on_train_batch_end, on_epoch_end (History has its entry then) or
  /// on_train_end, whichever comes next.
  virtual void afterwards(std::function<void()> action) = 0;
  /// Writes all that the run needs to go on from here as if it had never been cut off (what that is, BackupAndRestore
  /// says) to one file, in one step: a crash or a full disk leaves the file that was there. Only within afterwards().
  virtual void save(const std::string& path) const = 0;
  /// Goes on from such a file; gives where. Only within Callback::prepare. Throws Error, with nothing changed, for a
  /// file that is damaged, and naming what differs for one that does not fit the model, its optimizer or its data.
  virtual Place resume(const std::string& path) = 0;
};

}  // namespace nyala
