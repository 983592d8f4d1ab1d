#pragma once

#include <functional>
#include <string>

namespace nyala {

/// A fit under way, as its callbacks may use it.
class TrainingRun {
 public:
  virtual ~TrainingRun() = default;

  /// Runs `action` once every callback has had the hook at hand, and, after an epoch, History has its entry.
  virtual void afterwards(std::function<void()> action) = 0;
  /// Writes all that the run needs to go on from here as if it had never been cut off, to one file, in one step: a
  /// crash or a full disk leaves the file that was there. Holds what BackupAndRestore lists. To be called within
  /// afterwards().
  virtual void save(const std::string& path) const = 0;
  /// Goes on from such a file. To be called within Callback::prepare. Throws Error, with nothing changed, for a file
  /// that is damaged, and naming what differs for one that does not fit the model, its optimizer or its data.
  virtual void resume(const std::string& path) = 0;
};

}  // namespace nyala
