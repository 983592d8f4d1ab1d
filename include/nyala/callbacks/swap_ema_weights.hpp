#pragma once

#include <nyala/callback.hpp>

namespace nyala {

struct SwapEMAWeightsOptions {
  /// Also from the end of each epoch to the begin of the next, so that callbacks which save weights save averages;
  /// after the last epoch the model keeps them.
  bool swap_on_epoch = false;
};

/// Evaluates and predicts with the moving averages of an optimizer that has use_ema; they are swapped back afterwards.
/// Goes before callbacks that save weights. https://keras.io/api/callbacks/swap_ema_weights/
class SwapEMAWeights : public Callback {
 public:
  explicit SwapEMAWeights(SwapEMAWeightsOptions options = {});
  void on_epoch_begin(int epoch, const Logs& logs) override;
  void on_epoch_end(int epoch, const Logs& logs) override;
  void on_test_begin(const Logs& logs) override;
  void on_test_end(const Logs& logs) override;
  void on_predict_begin(const Logs& logs) override;
  void on_predict_end(const Logs& logs) override;
  SavedState state() const override;
  void restore(const SavedState& state) override;

 private:
  /// Throws Error if the optimizer keeps no averages.
  void show(bool averages);

  SwapEMAWeightsOptions options_;
  bool averages_in_model_ = false;
};

}  // namespace nyala
