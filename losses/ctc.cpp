#include <nyala/losses/ctc.hpp>

#include <nyala/error.hpp>
#include <nyala/ops.hpp>

#include "support.hpp"

namespace nyala::losses {

namespace {

constexpr double impossible = -1e5;  // Keras' logarithm of 0

/// The first entry stays, the others are joined by ways that lead to them from elsewhere.
Tensor with_ways(const Tensor& blanks, const Tensor& added) {
  const std::int64_t batch = blanks.shape()[0], labels = added.shape()[1];
  const Tensor first = slice(blanks, {0, 0}, {batch, 1}), rest = slice(blanks, {0, 1}, {batch, labels});
  return concatenate({first, logaddexp(rest, added)}, 1);
}

}  // namespace

Tensor ctc(const Tensor& y_true, const Tensor& given) {
  if (y_true.rank() != 2 || given.rank() != 3 || y_true.shape()[0] != given.shape()[0]) {
    throw Error("ctc: labels must have the shape (batch, length) and logits (batch, steps, classes), got " +
                y_true.shape().str() + " and " + given.shape().str());
  }
  const Tensor y_pred = is_floating(given.dtype()) ? given : cast(given, floatx());
  const std::int64_t batch = given.shape()[0], steps = given.shape()[1], length = y_true.shape()[1];
  if (steps == 0 || length == 0)
    throw Error("ctc: there must be steps and labels, got " + given.shape().str() + " and " + y_true.shape().str());
  const Tensor labels = cast(y_true, DType::int32).to(y_pred.device());
  const Tensor lengths = sum(cast(labels != 0, DType::int32), -1, true);
  const Tensor chances = log_softmax(y_pred);
  const Tensor emitted = take_along_axis(chances, broadcast_to(expand_dims(labels, 1), {batch, steps, length}), -1);
  // A label that follows its like needs a blank between them.
  Tensor repeats = zeros({batch, 1}, y_pred.dtype()).to(y_pred.device());
  if (length > 1) {
    const Tensor same = slice(labels, {0, 0}, {batch, length - 1}) == slice(labels, {0, 1}, {batch, length - 1});
    repeats = concatenate({cast(same, y_pred.dtype()), repeats}, 1);
  }
  const Tensor after_same = repeats * impossible, after_other = (1.0 - repeats) * impossible;
  Tensor blank =
      pad(zeros_like(repeats), {{0, 0}, {1, 0}}) +
      concatenate({zeros({batch, 1}, y_pred.dtype()).to(y_pred.device()), full_like(repeats, impossible)}, 1);
  Tensor label = full_like(repeats, impossible);
  for (std::int64_t t = 0; t < steps; ++t) {
    const Tensor here = reshape(slice(emitted, {0, t, 0}, {batch, 1, length}), {batch, length});
    const Tensor none = reshape(slice(chances, {0, t, 0}, {batch, 1, 1}), {batch, 1});
    const Tensor before = with_ways(blank, label + after_same);
    const Tensor next = logaddexp(slice(before, {0, 0}, {batch, length}) + here, label + here);
    blank = with_ways(before + none, label + none + after_other);
    label = next;
  }
  return -squeeze(take_along_axis(with_ways(blank, label), lengths, -1), -1);
}

CTC::CTC(LossOptions options) : Loss("ctc", std::move(options)) {}

Tensor CTC::call(const Tensor& y_true, const Tensor& y_pred) { return ctc(y_true, y_pred); }

CTC CTC::from_config(const Config& config) {
  LossOptions o;
  read_common(config, o.reduction, o.name);
  return CTC(std::move(o));
}

}  // namespace nyala::losses
