#pragma once

#include <memory>
#include <vector>

#include <nyala/callback.hpp>

namespace nyala {

/// The callbacks of one run, called in order; all of them share one dictionary of logs per event.
class CallbackList {
 public:
  CallbackList(const std::vector<CallbackRef>& callbacks, Model& model, const Callback::Params& params);
  ~CallbackList();
  CallbackList(const CallbackList&) = delete;
  CallbackList& operator=(const CallbackList&) = delete;

  bool empty() const { return callbacks_.empty(); }
  const std::vector<std::shared_ptr<Callback>>& callbacks() const { return callbacks_; }
  /// Makes the fit known to its callbacks, each of which may prepare it.
  void lend(TrainingRun& run);
  void set_params(const Callback::Params& params);
  /// Calls `hook(callback, logs)` on each; they may add to the logs.
  template <class F>
  void each(Logs& logs, F hook) {
    for (const auto& callback : callbacks_) {
      callback->logs_ = &logs;
      hook(*callback, static_cast<const Logs&>(logs));
      callback->logs_ = nullptr;
    }
  }

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

}  // namespace nyala
