#pragma once

#include <string>

#include <nyala/ops/shape.hpp>

#include "ops/nn_support.hpp"
#include "ops/window.hpp"

namespace nyala::ops {

/// Images with a batch axis and channels last, and the way back to how they were given.
class ImageLayout {
 public:
  ImageLayout(const Tensor& images, const std::string& data_format, const char* op)
      : first_(is_channels_first(data_format, op)), single_(images.defined() && images.rank() == 3) {
    require_numbers(images, op);
    if (images.rank() != 3 && images.rank() != 4) {
      fail(op, ": images must have 3 axes, or 4 with a batch, got ", images.shape());
    }
    images_ = single_ ? expand_dims(images, 0) : images;
    if (first_) images_ = channels_to_last(images_);
  }
  const Tensor& images() const { return images_; }
  Tensor back(Tensor y) const {
    if (first_) y = channels_to_first(y);
    return single_ ? squeeze(y, 0) : y;
  }

 private:
  Tensor images_;
  bool first_, single_;
};

}  // namespace nyala::ops
