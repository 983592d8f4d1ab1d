#pragma once

#include <string>

#include <nyala/loss.hpp>

namespace nyala::losses {

/// Connectionist temporal classification (Graves et al. 2006): minus the logarithm of the probability of all ways to
/// write the labels (batch, length) over the steps of the logits (batch, steps, classes). Class 0 is the blank, and
/// labels that are 0 count as not there. https://keras.io/api/losses/probabilistic_losses/#ctc-class
Tensor ctc(const Tensor& y_true, const Tensor& y_pred);

class CTC : public Loss {
 public:
  explicit CTC(LossOptions options = {});
  Tensor call(const Tensor& y_true, const Tensor& y_pred) override;
  std::string class_name() const override { return "CTC"; }
  static CTC from_config(const Config& config);
};

}  // namespace nyala::losses
