#pragma once

#include <utility>

#include <nyala/tensor.hpp>

#include "backend/kernels.hpp"

namespace nyala::ops {

/// What a graph does with the result of the operation that it is about to call, and with nothing else. The operation
/// may do that itself, in one sweep; it then says `taken`, and what it returns is the result of all. Offered in
/// training to a batch normalisation (then not normalised again, and with an activation), in inference to a convolution
/// or a dense product.
struct FollowUp {
  backend::Finish finish;
  bool taken = false;
};

/// Offers a follow-up to the next such operation of this thread, while it lives. Null: offers nothing.
class OfferFollowUp {
 public:
  explicit OfferFollowUp(FollowUp* follow_up) : before_(std::exchange(offered(), follow_up)) {}
  ~OfferFollowUp() { offered() = before_; }
  OfferFollowUp(const OfferFollowUp&) = delete;
  OfferFollowUp& operator=(const OfferFollowUp&) = delete;

  static FollowUp*& offered();
  /// What is offered, to whoever asks first; null if nothing is.
  static FollowUp* take() { return std::exchange(offered(), nullptr); }

 private:
  FollowUp* before_;
};

/// What is offered to an operation that has nothing to record, if it can do that to its float32 results y; it then
/// must. Null if not, or if nothing is offered.
const backend::Finish* take_finish(const Tensor& y);

/// relu or relu6 (by `activation`) of the batch normalisation of x, channels last, plus the residual; the results that
/// come before the activation are not kept. gamma, beta null or of the statistics' dtype.
struct FollowedBatchNorm {
  Tensor y, mean, variance;
};
FollowedBatchNorm batch_norm_followed(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon,
                                      const FollowUp& follow_up);

}  // namespace nyala::ops
