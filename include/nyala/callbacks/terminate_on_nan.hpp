#pragma once

#include <nyala/callback.hpp>

namespace nyala {

struct TerminateOnNaNOptions {
  /// Throw Error instead of stopping: on_train_end is not called then.
  bool raise_error = false;
};

/// Ends the training when the loss is NaN or infinite, saying at which batch and what to look at.
/// https://keras.io/api/callbacks/terminate_on_nan/
class TerminateOnNaN : public Callback {
 public:
  explicit TerminateOnNaN(TerminateOnNaNOptions options = {});
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_train_batch_end(int batch, const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  TerminateOnNaNOptions options_;
  int epoch_ = 0;
};

}  // namespace nyala
