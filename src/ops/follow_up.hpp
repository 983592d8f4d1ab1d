#pragma once

#include <utility>

#include <nyala/tensor.hpp>

#include "backend/kernels.hpp"

namespace nyala::ops {

/// What a graph does with the result of the batch normalisation that it is about to call, and with nothing else:
/// adds `residual` (or nothing, if null) and applies an activation. The operation may do that itself, in one sweep; it
/// then says `taken`, and what it returns is the result of all.
struct FollowUp {
  backend::Unary activation;
  Tensor residual;
  bool taken = false;
};

/// Offers a follow-up to the next batch normalisation of this thread, while it lives. Null: offers nothing.
class OfferFollowUp {
 public:
  explicit OfferFollowUp(FollowUp* follow_up) : before_(std::exchange(offered(), follow_up)) {}
  ~OfferFollowUp() { offered() = before_; }
  OfferFollowUp(const OfferFollowUp&) = delete;
  OfferFollowUp& operator=(const OfferFollowUp&) = delete;

  static FollowUp*& offered();

 private:
  FollowUp* before_;
};

/// relu or relu6 (by `activation`) of the batch normalisation of x, channels last, plus the residual; the results that
/// come before the activation are not kept. gamma, beta null or of the statistics' dtype.
struct FollowedBatchNorm {
  Tensor y, mean, variance;
};
FollowedBatchNorm batch_norm_followed(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon,
                                      const FollowUp& follow_up);

}  // namespace nyala::ops
